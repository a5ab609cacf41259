/** Prompts in German. */
import { type Phrases, SHARED } from './language.ts';

export const german: Phrases = {
  lists: {
    ...SHARED,
    topic: [
      'den Umzug nach {city}',
      'unsere neue Bäckerei',
      'den Ausflug ans Meer',
      'das Fest von {name}',
      'den Sommer {year}',
    ],
    animal: ['die Katze', 'der Igel', 'das Pferd', 'die Eule', 'der Fuchs'],
    adjective: ['fröhlich', 'förmlich', 'ruhig', 'störrisch', 'vorsichtig', 'düster'],
    item: ['Schrauben', 'Lampen', 'Kabel', 'Stühle', 'Gläser Honig', 'Hefte'],
    tongue: ['Englische', 'Polnische', 'Japanische', 'Schwedische'],
    sentence: [
      'Im Jahr {year} kaufte {person} die Werkstatt in {city}, in der vorher {n} Leute gearbeitet hatten.',
      'Der Stadtrat von {city} stimmte mit {n} zu {d} gegen den Plan, obwohl {name} dafür gesprochen hatte.',
      'Es regnete {n} Prozent weniger als {year}, und die Höfe bei {city} verloren {nn} Hektar Weizen.',
      '{company} meldete einen Umsatz von {money} Millionen Euro und entließ {nn} Leute.',
    ],
    review: [
      'Die {item} kamen nach {n} Tagen und waren kaputt.',
      '{name} war {adjective} und schickte mir {d} neue {item}.',
    ],
  },
  systems: ['Du bist der Assistent von {company} in {city}. Antworte höflich und kurz, höchstens {n} Zeilen.'],
  answers: ['Gern. Hier ist ein erster Entwurf über {topic}.', 'Das Ergebnis ist {nn}, nach {d} Schritten.'],
  follows: ['Danke! Und jetzt noch dies:\n{ask}', 'Fast richtig, {d} Stellen stimmen nicht. Noch einmal: {ask}'],
  kinds: {
    code: {
      asks: [
        'Schreibe in {coding} eine Funktion `{fn}({noun})`, die die {n} größten Werte liefert:\n\n```\n{pieces}\n```',
        'Warum meldet dieser Code in {coding} `{error}`?\n\n```\n{pieces}\n```',
      ],
      pieces: ['{line}'],
      between: '\n',
    },
    maths: {
      asks: ['{pieces} Wie viele hat {name} am Ende?', 'Löse {formula} und vereinfache. {pieces}'],
      pieces: [
        '{name} kauft {n} {item} für je {money} Euro und verschenkt {d} davon.',
        'Nach {d} Tagen sind es {n} Prozent mehr.',
        'Es gelte {formula}.',
      ],
      between: ' ',
    },
    choice: {
      asks: [
        '{pieces}\nWas folgt daraus?\nA. {name} hatte recht\nB. {n} gingen verloren\nC. nichts davon\nNur der Buchstabe.',
      ],
      pieces: ['{sentence}'],
      between: ' ',
    },
    summary: {
      asks: ['Fasse den folgenden Text in {d} Sätzen zusammen.\n\n{pieces}'],
      pieces: ['{sentence}'],
      between: ' ',
    },
    translation: { asks: ['Übersetze ins {tongue}: {pieces}'], pieces: ['{sentence}', '{review}'], between: ' ' },
    extraction: {
      asks: ['Gib Name, Ort, Datum und Betrag als JSON aus:\n{pieces}'],
      pieces: [
        '- Rechnung {nn}: {person}, {city}, {date}, {money} EUR',
        '- Auftrag {nn}: {n} {item}, {company}, {money}',
      ],
      between: '\n',
    },
    chat: {
      asks: ['Hallo! {pieces} Hast du eine Idee?', 'Ich bin nervös wegen {name}. {pieces}'],
      pieces: [
        '{animal} ist heute {adjective}, und ich habe noch {n} Minuten.',
        'Wir sind in {city} und denken an {topic}.',
      ],
      between: ' ',
    },
    creative: {
      asks: [
        'Erzähl eine Geschichte über {topic}, {adjective} im Ton. {pieces}',
        'Ein Gedicht mit {n} Zeilen über {topic}. {pieces}',
      ],
      pieces: ['{name} wusste es immer, sagte aber nichts.', '{animal} und {d} {item} kommen darin vor.'],
      between: ' ',
    },
    puzzle: {
      asks: ['{d} Leute sitzen am Tisch. {pieces} Wer sitzt neben {name}? Begründe Schritt für Schritt.'],
      pieces: [
        '{name} sitzt {d} Plätze links von {name}.',
        'Wenn {name} lügt, sagt {name} die Wahrheit.',
        '{name} hat {n} {item} und wohnt nicht in {city}.',
      ],
      between: ' ',
    },
    sql: {
      asks: ['Schreibe eine Abfrage: je `{column}` die {n} höchsten `{column}` seit {year}.\n{pieces}'],
      pieces: ['{ddl}'],
      between: '\n',
    },
    classification: {
      asks: [
        'Positiv, neutral oder negativ? Ein Wort.\n{pieces}',
        'Ticket {nn}: {pieces} Rechnung, Lieferung oder Fehler?',
      ],
      pieces: ['{review}'],
      between: ' ',
    },
    tools: {
      asks: [
        'Reserviere in {city} einen Tisch für {d} am {date} auf {person}. {pieces}',
        'Wie ist das Wetter in {city}? {pieces}',
      ],
      pieces: ['Höchstens {money} Euro.', 'Wir haben {n} Minuten.', 'Sonst frag bei {company}.'],
      between: ' ',
    },
  },
};
