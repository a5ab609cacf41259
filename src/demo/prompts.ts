/** What the simulated people ask: templates of four kinds in six languages, filled in by dice. */
import type { Dice } from './dice.ts';
import { KINDS, type Kind, LANGUAGES, type Language, MODELS, type SimulatedModel, trueQuality } from './models.ts';

export interface Prompt {
  kind: Kind;
  language: Language;
  text: string;
  /** What the app that they ask in says to the model first; null for a bare chat. */
  system: string | null;
  wantsJson: boolean;
}

/** How often each is asked for, in parts. */
export const KIND_MIX: Readonly<Record<Kind, number>> = { code: 30, maths: 15, writing: 35, extraction: 20 };
export const LANGUAGE_MIX: Readonly<Record<Language, number>> = { en: 60, de: 9, es: 9, fr: 8, hi: 6, zh: 8 };

const FILLINGS: Readonly<Record<string, readonly string[]>> = {
  lang: ['Python', 'TypeScript', 'Rust', 'Java', 'SQL'],
  fn: ['parse_rows', 'mergeIntervals', 'load_config', 'debounce', 'find_path'],
  type: ['list', 'dict', 'string', 'array', 'tuple'],
  error: [
    'TypeError: undefined is not a function',
    'IndexError: list index out of range',
    'borrow of moved value: `rows`',
  ],
  topic: [
    'a trip to the mountains',
    'our new bakery',
    'a lost cat',
    'moving to another city',
    'the first day at school',
  ],
  who: ['my neighbour', 'a customer', 'my landlord', 'our team', 'an old friend'],
  tone: ['warm', 'formal', 'funny', 'short', 'calm'],
  person: ['Ada Moreno', 'Jonas Keller', 'Li Wei', 'Fatima Noor', 'Priya Rao'],
  city: ['Lisbon', 'Leipzig', 'Pune', 'Lyon', 'Chengdu'],
  item: ['bolts', 'lamps', 'coffee', 'paper', 'cables'],
};

/** `{a}` is a word of FILLINGS, `{n}` a number. */
const ASKED: Readonly<Record<Kind, Readonly<Record<Language, readonly string[]>>>> = {
  code: {
    en: [
      'Write a {lang} function `{fn}({type})` that returns the {n} largest items, and a unit test for it.',
      'Why does this {lang} code raise `{error}`?\n\n```\ndef {fn}(rows):\n    for i in range(len(rows) + 1):\n        print(rows[i]["id"])\n```',
      'Refactor this {lang} class so that the method `{fn}()` has no loop:\n\n```\nclass Box {\n  int[] items = new int[{n}];\n  int {fn}() { int s = 0; for (int i : items) s += i; return s; }\n}\n```',
      'I need a regex and a {lang} script that reads a {type} from JSON and prints each key = value.',
    ],
    de: [
      'Schreibe eine Funktion `{fn}({type})` in {lang}, die ein Array sortiert:\n\n```\nint[] a = {n};\nreturn {fn}(a);\n```',
    ],
    es: ['Escribe una función {lang} `{fn}({type})` y un test:\n\n```\nassert {fn}([{n}, {n}]) == True\n```'],
    fr: ['Corrige ce code {lang} :\n\n```\ndef {fn}({type}):\n    return {type}[{n}]\n# {error}\n```'],
    hi: ['इस {lang} कोड में गलती बताइए:\n\n```\ndef {fn}({type}):\n    return {type}[{n}]\n# {error}\n```'],
    zh: ['请用 {lang} 写一个函数 `{fn}({type})`,并修复这个错误:\n\n```\nreturn {fn}(rows[{n}])  # {error}\n```'],
  },
  maths: {
    en: [
      'Solve the equation ${n}x^2 + {n}x - {n} = 0$ and simplify the expression for $x$.',
      'Compute the integral $\\int_0^{{n}} x^{n} / {n} \\, dx$ and prove that $\\sqrt{{n}} < {n}$.',
      'A triangle has sides {n}, {n} and {n}. Calculate the angle and the radius of its circle: $r = abc / (4 * A)$.',
      'Evaluate the probability $P = \\frac{k}{6^{n}}$ that the sum of {n} dice is prime.',
    ],
    de: ['Löse die Gleichung ${n}x^2 - {n}x = {n}$ und berechne $\\frac{{n}}{{n}} + \\sqrt{{n}} * {n}$.'],
    es: ['Resuelve la ecuación ${n}x + {n} = {n}x^2$ y calcula $\\sqrt{{n}} * {n} / {n}$.'],
    fr: ["Résous l'équation ${n}x^2 + {n} = {n}x$ et calcule $\\frac{{n}^2}{{n}} - \\sqrt{{n}} * {n}$."],
    hi: ['समीकरण ${n}x^2 + {n}x = {n}$ हल कीजिए और $\\sqrt{{n}} * {n} / {n}$ का मान बताइए।'],
    zh: ['解方程 ${n}x^2 + {n}x - {n} = 0$,并计算 $\\frac{{n}}{{n}} + \\sqrt{{n}} * {n}$ 的值。'],
  },
  writing: {
    en: [
      'Please help me write a {tone} email to {who} about {topic}.',
      'Write a {tone} story about {topic}. She had always known that they were right, and he was not.',
      'I am nervous about {topic}, and I do not know how to tell {who}. What would you say to me?',
      'Draft a {tone} letter to {who}: we thank them for the help with {topic}, and we hope to see them again.',
    ],
    de: [
      'Schreib bitte einen freundlichen Brief an meine Nachbarin über den Umzug in eine andere Stadt.',
      'Erzähl mir eine kurze Geschichte über eine verlorene Katze, die am Abend nach Hause kommt.',
    ],
    es: [
      'Escribe por favor una carta amable a mi vecino sobre la nueva panadería de la esquina.',
      'Cuéntame un cuento corto sobre una gata perdida que vuelve a casa por la noche.',
    ],
    fr: [
      "Écris s'il te plaît une lettre aimable à mon voisin au sujet de la nouvelle boulangerie.",
      'Raconte-moi une petite histoire où un chat perdu rentre enfin à la maison le soir.',
    ],
    hi: [
      'कृपया मेरे पड़ोसी के लिए नई बेकरी के बारे में एक प्यारा सा पत्र लिखिए।',
      'मुझे एक छोटी कहानी सुनाइए जिसमें खोई हुई बिल्ली शाम को घर लौट आती है।',
    ],
    zh: [
      '请帮我给邻居写一封亲切的信,谈谈街角新开的面包店,语气要温暖一些。',
      '请讲一个小故事:一只走失的猫在傍晚终于回到了家,孩子们都很高兴。',
    ],
  },
  extraction: {
    en: [
      'Extract the name, city, date and total as JSON from:\n- Invoice {n}, {person}, {city}\n- Date: 2025-03-{n}\n- {item}: {n}, {n}, {n}\n- Total: {n}.{n}',
      'List every person, place and amount in this text:\n* "{person}" sent {n} {item} to {city}.\n* "{person}" paid {n}.{n}, twice.\n* Order {n}, {n}, {n}: {city}.',
    ],
    de: [
      'Gib Name, Ort und Betrag als JSON aus:\n- Rechnung {n}, {person}, {city}\n- Datum: 2025-03-{n}\n- Summe: {n}.{n}',
    ],
    es: [
      'Extrae nombre, ciudad y total como JSON:\n- Factura {n}, {person}, {city}\n- Fecha: 2025-03-{n}\n- Total: {n}.{n}',
    ],
    fr: [
      'Extrais le nom, la ville et le total en JSON :\n- Facture {n}, {person}, {city}\n- Date : 2025-03-{n}\n- Total : {n}.{n}',
    ],
    hi: ['इससे नाम, शहर और कुल राशि JSON में निकालिए:\n- बिल {n}, {person}, {city}\n- तारीख: 2025-03-{n}\n- कुल: {n}.{n}'],
    zh: ['请从下文提取姓名、城市和总额,输出 JSON:\n- 发票 {n}, {person}, {city}\n- 日期: 2025-03-{n}\n- 合计: {n}.{n}'],
  },
};

/** Code is asked for in an editor, which has instructions of its own; data are extracted by programs that want JSON. */
const EDITOR =
  'You are the assistant in a code editor. Answer with working code first and a short explanation after it. ' +
  'Keep the style of the code that you are shown. Say so where you are not sure.';

/** What somebody says next who is content: in each language, fit for any kind. */
const NEXT: Readonly<Record<Language, readonly string[]>> = {
  en: ['Thanks! And now the same again, a little shorter.', 'Good. What would you change in it?'],
  de: ['Danke! Und jetzt noch einmal etwas kürzer, bitte.'],
  es: ['¡Gracias! Ahora lo mismo, un poco más corto.'],
  fr: ['Merci ! Maintenant la même chose, un peu plus court.'],
  hi: ['धन्यवाद! अब यही थोड़ा छोटा कर दीजिए।'],
  zh: ['谢谢!现在请再短一点。'],
};

export function writePrompt(dice: Dice, kind: Kind, language: Language): Prompt {
  const text = dice
    .pick(ASKED[kind][language])
    .replace(/\{(\w+)\}/g, (whole, name: string) =>
      name === 'n' ? String(Math.floor(dice.between(2, 99))) : FILLINGS[name] ? dice.pick(FILLINGS[name]) : whole,
    );
  return { kind, language, text, system: kind === 'code' ? EDITOR : null, wantsJson: kind === 'extraction' };
}

export const writeNext = (dice: Dice, language: Language): string => dice.pick(NEXT[language]);

/** A model's quality over all that is asked, in [0, 1]. */
export function averageQuality(model: SimulatedModel): number {
  let sum = 0;
  let weight = 0;
  for (const kind of KINDS)
    for (const language of LANGUAGES) {
      const parts = KIND_MIX[kind] * LANGUAGE_MIX[language];
      sum += parts * trueQuality(model, kind, language);
      weight += parts;
    }
  return sum / weight;
}

/** The single model that would serve all that is asked best. */
export const bestFixedModel = (): SimulatedModel =>
  MODELS.reduce((best, model) => (averageQuality(model) > averageQuality(best) ? model : best));
