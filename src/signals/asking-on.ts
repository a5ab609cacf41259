/** Short messages that may come again word for word without a complaint: "continue", "another one". */
import { folded } from './folded.ts';

/** In small letters. Those of up to four are whole words, longer ones may be beginnings. */
const WORDS = [
  'continu|next|more|another|go on|go ahead|carry on|keep going|proceed|again|yes|ok|thank',
  'weiter|nachste|noch ein|mehr|fortfahren|fahr fort|fahre fort|ja|danke',
  'suite|encore|autre|suivant|poursui|oui|merci',
  'siguiente|sigue|continua|otro|otra|mas|si|gracias',
  'proxim|outro|outra|mais|sim|obrigad',
  'altro|altra|avanti|prossim|ancora|grazie',
  'verder|volgende|nog een|meer|ga door|bedankt',
  'fortsatt|nasta|en till|fler|mer|naeste|en til|neste|flere|jatka|seuraava|lisaa|toinen',
  'dalej|kontynuuj|nastepn|jeszcze|wiecej|kolejn|dal|pokracuj|dalsi|jeste',
  'дальше|продолж|еще|следующ|друг|больше|да|спасибо|далі|продовж|ще|наступн|інш|так|дякую',
  'devam|baska|sonraki|daha|evet|بعد|اكمل|استمر|المزيد|اخر|التالي|تابع|نعم|המשך|תמשיך|עוד|הבא|כן|जारी|और|अगल|हा',
  'tiep|nua|khac|lanjut|lagi|berikut|lain|συνεχ|επομεν|αλλο|ακομ|urmator|alta|inca|mai|folytas|kovetkezo|meg|masik',
].join('|');
const UNSPACED = '继续|下一|再来|再写|更多|另|还有|接着|好的|続け|次|もっと|別の|ほか|はい|계속|다음|더|또|네';

const words = folded(WORDS).split('|');
const whole = words.filter((word) => word.length <= 4).join('|');
const begun = words.filter((word) => word.length > 4).join('|');
const PATTERN = new RegExp(`(?<![\\p{L}\\p{N}])(?:(?:${whole})(?![\\p{L}\\p{N}])|${begun})|${folded(UNSPACED)}`, 'u');
/** What is longer asks something by itself. */
const LONGEST = 40;

export const asksOn = (text: string): boolean => text.length <= LONGEST && PATTERN.test(folded(text));
