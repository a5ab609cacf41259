/** How models decline, in the languages that they are mostly asked in: what a refusal begins with. */
import { folded } from './folded.ts';
import { type Script, scriptsOf } from './scripts.ts';

/**
 * One expression a language, each from the beginning: an apology or none, then that one can or will not, then what. The
 * what is there so that "I'm sorry to hear that" and "I can't stress enough" are none. Apostrophes are straight, and there
 * is one space between words, as `beginsWithRefusal` makes them. What is repeated is so at most four times, and no two
 * alternatives of a repeated group may make the same text, nor one what others make together.
 */
export const REFUSALS: Readonly<Partial<Record<Script, readonly RegExp[]>>> = {
  latin: [
    // English
    /^(?:(?:i['’]m|i am) (?:very |really |truly |so )?sorry,? ?(?:but )?|sorry,? ?(?:but )?|(?:my )?apologies,? ?(?:but )?|i apologi[sz]e,? ?(?:but )?|unfortunately,? |as an? (?:ai|artificial intelligence)[\w -]*, ){0,4}(?:i(?:'m| am) (?:unable|not able) to|i(?:'m| am) not (?:comfortable|allowed|permitted)|i (?:can't|cannot|can not|won't|will not|could not|couldn't|must decline|have to decline|don't feel comfortable|refuse))(?: to)? (?:(?:help|assist)(?! but\b)|comply|fulfil|do (?:that|this)|provide (?:you with )?(?:that|this|any|help|assistance|information|instructions|guidance|advice|content|details)|(?:engage in|discuss|support|participate in|continue with|continue this|proceed with|answer (?:that|this)|respond to (?:that|this)|share (?:that|this)|(?:create|generate|write|produce) (?:that|this|content|such|material|explicit|anything|sexual|hateful|malicious))|(?:to )?(?:that|this|your) request)/iu,
    /^(?:i(?:'m| am) (?:very )?sorry,? (?:but )?|sorry,? (?:but )?)i (?:can't|cannot|can not|won't)(?: do (?:that|this|it))?[.!]?$/iu,
    /^(?:i(?:'m| am) (?:very )?sorry,? (?:but )?|sorry,? (?:but )?|unfortunately,? )?(?:i (?:must|have to) (?:respectfully )?decline|that(?:'s| is) not something i(?:'m| am)? (?:can|able to|comfortable|willing)|your request (?:violates|goes against))/iu,
    // German
    /^(?:es tut mir (?:sehr )?leid,? (?:aber )?|tut mir leid,? (?:aber )?|entschuldigung,? (?:aber )?|leider ){0,4}(?:ich kann|kann ich|ich darf|darf ich|ich werde) (?:(?:ihnen|dir|euch|leider|dabei|hierbei|damit|das|dies|diese anfrage|dieser anfrage|bei dieser anfrage|auf diese anfrage|bei dieser bitte|diesen wunsch|dieser bitte) ){1,4}nicht (?:weiter)?(?:helfen|behilflich|unterstützen|beantworten|erfüllen|nachkommen|entsprechen|dabei helfen|damit helfen|tun|antworten|bearbeiten)/iu,
    /^(?:es tut mir (?:sehr )?leid,? (?:aber )?|tut mir leid,? (?:aber )?|entschuldigung,? (?:aber )?|leider ){0,4}(?:ich kann|kann ich|(?:das|dies|dabei|damit|hierbei) kann ich|bei dieser anfrage kann ich|ich darf|darf ich|ich möchte) (?:(?:ihnen|dir|leider|dazu|hierzu|darüber|für dich|für sie) ){0,4}(?:nicht (?:dabei |damit |weiter)?(?:helfen|behilflich|unterstützen|beantworten|tun)|keine (?:anleitung|hilfe|unterstützung|auskunft|informationen|inhalte|angaben))/iu,
    // French
    /^(?:(?:je suis|je) (?:vraiment |sincèrement )?(?:désolée?|navrée?|regrette),? (?:mais )?|désolée?,? (?:mais )?|malheureusement,? ){0,4}je ne (?:peux|puis|suis)(?: malheureusement)?(?: pas)? (?:pas )?(?:(?:vous|t'|te|y|en mesure de|autorisée? à) ?){0,4}(?:aider|assister|répondre à (?:cette|votre|ta|ce)|accéder à (?:cette|votre|ta)|donner suite|satisfaire|fournir (?:ce|cette|ces|d'|de |des|une aide)|faire (?:ça|cela)|traiter cette|créer (?:ce|de)|continuer)/iu,
    // Spanish
    /^(?:lo siento(?: mucho)?,? (?:pero )?|lo lamento,? (?:pero )?|disculp[ae],? (?:pero )?|perdón,? (?:pero )?|desafortunadamente,? |lamentablemente,? ){0,4}no (?:puedo|podré|me es posible|estoy en condiciones de|voy a)(?: (?:ayudar|asistir|apoyar|colaborar|cumplir|hacer eso|responder a (?:esa|esta|eso|tu|su)|proporcionar (?:esa|ese|esta|este|ayuda|información|instrucciones|asistencia|contenido)|atender (?:esa|esta|tu|su)|generar (?:ese|este|contenido)|crear (?:ese|este|contenido)|continuar con))/iu,
    // Portuguese
    /^(?:sinto muito,? (?:mas )?|lamento,? (?:mas )?|desculpe?,? (?:mas )?|me desculpe,? (?:mas )?|peço desculpas?,? (?:mas )?|infelizmente,? ){0,4}(?:eu )?não (?:posso|consigo|poderei|vou)(?: (?:te|lhe|o|a))?(?:-(?:te|lo|la))? (?:ajudar|ajudá-l|auxiliar|atender|cumprir|fazer isso|responder a (?:essa|esse|esta|isso)|fornecer (?:essa|esse|esta|este|ajuda|informaç|instruç|assistência|conteúdo)|prestar|gerar (?:esse|este|conteúdo)|criar (?:esse|este|conteúdo)|continuar com)/iu,
    // Italian
    /^(?:mi (?:dispiace|spiace)(?: molto)?,? (?:ma )?|spiacente,? (?:ma )?|scusa(?:mi)?,? (?:ma )?|purtroppo,? ){0,4}non (?:posso|sono in grado di|mi è possibile)(?: (?:aiutar|assister|soddisfare|rispondere a (?:questa|quest'|tale)|fornir(?:e|ti|le) (?:questo|questa|queste|tali|assistenza|aiuto|informazioni|istruzioni)|farlo|fare questo|procedere|completare questa|creare (?:questo|contenut)|generare (?:questo|contenut)))/iu,
    // Dutch
    /^(?:het spijt me(?: zeer)?,? (?:maar )?|sorry,? (?:maar )?|helaas,? ){0,4}(?:ik kan|kan ik|ik mag|mag ik|daar kan ik|daarmee kan ik) (?:(?:je|u|jou|hier|daar|hierbij|daarbij|hiermee|daarmee|dit|dat|deze vraag|dit verzoek|aan dit verzoek|aan dat verzoek|op dit verzoek|helaas) ){0,4}(?:niet (?:mee |bij |daarmee |hiermee |daarbij |hierbij |(?:aan|op) (?:dit|dat|uw|je) verzoek )?(?:helpen|assisteren|voldoen|beantwoorden|doen|ingaan|uitvoeren|verder helpen)|geen (?:hulp|informatie|instructies|assistentie))/iu,
    // Polish
    /^(?:(?:przykro mi|przepraszam|niestety|bardzo mi przykro),? (?:ale )?){0,4}(?:nie (?:mogę|jestem w stanie|będę mogła?|potrafię))(?: (?:ci|panu|pani|w tym|tego|na to|z tym)){0,4}(?: (?:pomóc|pomagać|spełnić|zrealizować|zrobić|odpowiedzieć na (?:to|tę|to pytanie)|udzielić (?:pomocy|informacji|odpowiedzi|tych)|dostarczyć (?:tych|takich|informacji)|wykonać (?:tego|tej)|kontynuować))/iu,
    // Turkish
    /^(?:(?:üzgünüm|maalesef|özür dilerim|ne yazık ki|kusura bakma(?:yın)?),? (?:ama |ancak |fakat )?){0,4}(?:bu (?:konuda|isteğ\S+|talep\S*|tür\S*|soruy?\S*|bilgi\S*|içeri\S+)|buna|bunu|size|sana|böyle bir \S+)(?: \S+){0,4}? (?:yardımcı olamam|yardımcı olamıyorum|yardım edemem|yardımcı olmam mümkün değil|yerine getiremem|yerine getiremiyorum|yapamam|yanıt veremem|cevap veremem|yanıtlayamam|karşılayamam|sağlayamam|oluşturamam)/iu,
  ],
  cyrillic: [
    // Russian
    /^(?:(?:к сожалению|извините|извини|простите|прости|мне (?:очень )?жаль|прошу прощения|сожалею),? (?:но )?){0,4}(?:я )?(?:не (?:могу|смогу|буду|в состоянии|имею возможности)|вынуждена? отказать)(?: (?:вам|тебе|с этим|в этом|этого)){0,4}(?: (?:помочь|помогать|выполнить|ответить на (?:этот|это|ваш)|предоставить (?:эт|так|инструкц|информац|помощь)|обсуждать|сделать это|создать (?:так|эт)|генерировать|продолжать|продолжить)|[.!]?$)/iu,
  ],
  chinese: [
    // Chinese, simplified and traditional
    /^(?:(?:很|非常|十分)?(?:抱歉|对不起|對不起|不好意思|遗憾|遺憾)[，,。！! ]*(?:但是?[，, ]*)?){1,4}(?:作为[^，,。]{0,20}[，,] ?)?(?:(?:这|這|此|该|該|您的|你的)[^，,。我]{0,12})?我?(?:现在|目前|暂时)?(?:无法|無法|不能|不可以|没办法|沒辦法|没有办法|不会)(?:为您|为你|向您|向你|給您|给您|给你|對此|对此|就此|在这方面|在此)?(?:提供(?:这|此|任何|相关|該|该|帮助|協助|协助|您|你|有关|關於|关于)|帮助|幫助|帮|幫|协助|協助|满足|滿足|回答(?:这|這|该|該|此|您|你|[。.]|$)|回应|回應|完成(?:这|這|该|此|您|你)|处理(?:这|這|该|此)|讨论|討論|继续|繼續|参与|生成(?:这|此|该|相关)|执行(?:这|此|该)|给到|給出)/u,
    /^我(?:无法|無法|不能)(?:帮助|幫助|帮|幫|协助|協助|满足|滿足|提供(?:这|此|该|帮助|协助|协助)|回答(?:这|這|该|此))/u,
    // Japanese
    /^(?:(?:大変)?(?:申し訳(?:ありません|ございません|ない)|すみません|ごめんなさい|恐れ入ります|恐縮です)(?:が|けど)?[、。, ]*){1,4}[^。\n]{0,60}?(?:(?:お答え|お手伝い|ご協力|お応え|回答|対応|支援|提供|お伝え|ご案内|サポート)(?:を?する(?:ことは|こと))?(?:は|が)?(?:でき(?:ません|ない|かね)|いたしかね|しかね|致しかね)|お(?:答え|手伝い|力)[^。\n]{0,12}(?:できません|できかねます)|ことはできません|ことができません)/u,
  ],
  korean: [
    // Korean
    /^(?:(?:정말 |대단히 )?(?:죄송합니다|죄송하지만|죄송해요|미안합니다|미안하지만|유감스럽지만|유감입니다)(?:만)?[,.，。 ]*){1,4}[^.\n]{0,50}?(?:도와드릴 수 (?:는 )?없|도와 드릴 수 없|도움을? (?:드릴|줄) 수 없|(?:제공|응|답변|대답|지원|수행|안내|처리|생성|협조|작성)(?:해 ?드릴|할|하여 드릴|드릴|해드릴)? 수(?:는|가)? 없|답변(?:을)? 드릴 수 없|답변드릴 수 없|들어드릴 수 없)/u,
  ],
  devanagari: [
    // Hindi
    /^(?:(?:मुझे )?(?:क्षमा करें|माफ़ करें|माफ़ कीजिए|माफ करें|माफ कीजिए|खेद है|अफ़सोस है|अफसोस है|माफ़ी चाहता हूँ|माफ़ी चाहती हूँ)[,। ]*(?:कि |लेकिन |पर )?|मैं (?:क्षमा|माफ़ी) चाहत[ाी] हूँ[,। ]*(?:लेकिन )?){1,4}(?:मैं )?[^।\n]{0,60}?(?:मदद|सहायता|सहयोग|जवाब|उत्तर|जानकारी|अनुरोध|पूरा)[^।\n]{0,25}?(?:नहीं (?:कर|दे) सकत[ाी]|नहीं कर पाऊ|नहीं दे पाऊ|करने में असमर्थ|देने में असमर्थ|असमर्थ)/u,
  ],
  arabic: [
    // Arabic
    /^(?:(?:أنا )?(?:آسف|آسفة|أعتذر|عذرا|عذرًا|عذراً|معذرة|للأسف|نأسف|أتأسف)(?: جدا| بشدة)?[،,.]? ?(?:و?لكن(?:ي|ني)? ?)?){1,4}(?:،? ?(?:فأنا )?)(?:لا (?:أستطيع|يمكنني|يمكن لي|أقدر)|لن (?:أستطيع|أتمكن من|يمكنني)|لست قادرا على|غير قادر على) ?(?:من )?(?:أن )?(?:مساعدت|المساعدة|أساعد|تقديم (?:هذ|المساعدة|أي|معلومات|تعليمات|المشورة)|توفير (?:هذ|المساعدة|معلومات)|الإجابة (?:على|عن) هذ|الرد على هذ|تلبية|تنفيذ (?:هذ|طلب)|القيام بذلك|فعل ذلك|الاستجابة|إنشاء (?:هذ|محتوى)|مناقشة)/u,
  ],
};

/** What comes after a refusal where it was none: a list, code, or a line that announces more. */
const GOES_ON = /:\s*\n|\n\s*(?:[-*•]|\d+[.)])\s|```/u;

/** Longer answers that begin so go on with something. */
const MAX_REFUSAL_CHARACTERS = 300;
/** So many characters tell in which script a refusal would be. */
const TELLING_CHARACTERS = 40;

/** Whether a text is a short answer that declines. One that stands in quotation marks is only told of. */
export function beginsWithRefusal(text: string): boolean {
  // White space at the ends may be any amount, and is not looked through.
  if (text.length > 2 * MAX_REFUSAL_CHARACTERS) return false;
  const trimmed = text.trim();
  if (trimmed.length === 0 || trimmed.length > MAX_REFUSAL_CHARACTERS || GOES_ON.test(trimmed)) return false;
  const plain = trimmed
    .normalize('NFC')
    .replace(/[‘’ʼ＇]/g, "'")
    .replace(/\s+/g, ' ');
  const scripts = scriptsOf(folded(plain.slice(0, TELLING_CHARACTERS)));
  return scripts.some((script) => REFUSALS[script]?.some((refusal) => refusal.test(plain)));
}
