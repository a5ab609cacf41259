/** Prompts in Spanish. */
import { type Phrases, SHARED } from './language.ts';

export const spanish: Phrases = {
  lists: {
    ...SHARED,
    topic: [
      'la mudanza a {city}',
      'la nueva panadería',
      'el viaje al mar',
      'la fiesta de {name}',
      'el verano de {year}',
    ],
    animal: ['la gata', 'el erizo', 'el caballo', 'la lechuza', 'el zorro'],
    adjective: ['alegre', 'formal', 'tranquilo', 'terco', 'prudente', 'triste'],
    item: ['tornillos', 'lámparas', 'cables', 'sillas', 'tarros de miel', 'cuadernos'],
    tongue: ['inglés', 'polaco', 'japonés', 'sueco'],
    sentence: [
      'En {year}, {person} compró el taller de {city}, donde antes trabajaban {n} personas.',
      'El ayuntamiento de {city} votó {n} a {d} contra el plan, aunque {name} lo había defendido.',
      'Llovió un {n} por ciento menos que en {year}, y cerca de {city} se perdieron {nn} hectáreas de trigo.',
      '{company} anunció ventas de {money} millones y despidió a {nn} personas.',
    ],
    review: [
      'Los {item} llegaron a los {n} días y estaban rotos.',
      '{name} fue muy {adjective} y me mandó {d} {item} nuevos.',
    ],
  },
  systems: ['Eres el asistente de {company} en {city}. Responde con cortesía y en menos de {n} líneas.'],
  answers: ['Claro. Aquí va una primera versión sobre {topic}.', 'El resultado es {nn}, tras {d} pasos.'],
  follows: ['¡Gracias! Y ahora esto:\n{ask}', 'Casi, pero hay {d} errores. Otra vez: {ask}'],
  kinds: {
    code: {
      asks: [
        'Escribe en {coding} una función `{fn}({noun})` que devuelva los {n} mayores:\n\n```\n{pieces}\n```',
        '¿Por qué este código {coding} da `{error}`?\n\n```\n{pieces}\n```',
      ],
      pieces: ['{line}'],
      between: '\n',
    },
    maths: {
      asks: ['{pieces} ¿Cuántos tiene {name} al final?', 'Resuelve {formula} y simplifica. {pieces}'],
      pieces: [
        '{name} compra {n} {item} a {money} euros cada uno y regala {d}.',
        'A los {d} días hay un {n} por ciento más.',
        'Sea {formula}.',
      ],
      between: ' ',
    },
    choice: {
      asks: ['{pieces}\n¿Qué se deduce?\nA. {name} tenía razón\nB. se perdieron {n}\nC. nada de eso\nSolo la letra.'],
      pieces: ['{sentence}'],
      between: ' ',
    },
    summary: { asks: ['Resume el siguiente texto en {d} frases.\n\n{pieces}'], pieces: ['{sentence}'], between: ' ' },
    translation: { asks: ['Traduce al {tongue}: {pieces}'], pieces: ['{sentence}', '{review}'], between: ' ' },
    extraction: {
      asks: ['Extrae nombre, ciudad, fecha y total como JSON:\n{pieces}'],
      pieces: [
        '- Factura {nn}: {person}, {city}, {date}, {money} EUR',
        '- Pedido {nn}: {n} {item}, {company}, {money}',
      ],
      between: '\n',
    },
    chat: {
      asks: ['¡Hola! {pieces} ¿Alguna idea?', 'Estoy nervioso por {name}. {pieces}'],
      pieces: ['{animal} está {adjective} hoy y me quedan {n} minutos.', 'Estamos en {city} y pensamos en {topic}.'],
      between: ' ',
    },
    creative: {
      asks: [
        'Cuéntame un cuento {adjective} sobre {topic}. {pieces}',
        'Un poema de {n} versos sobre {topic}. {pieces}',
      ],
      pieces: ['{name} siempre lo supo, pero no dijo nada.', 'Salen {animal} y {d} {item}.'],
      between: ' ',
    },
    puzzle: {
      asks: ['Hay {d} personas a la mesa. {pieces} ¿Quién está junto a {name}? Razona paso a paso.'],
      pieces: [
        '{name} está {d} sitios a la izquierda de {name}.',
        'Si {name} miente, {name} dice la verdad.',
        '{name} tiene {n} {item} y no vive en {city}.',
      ],
      between: ' ',
    },
    sql: {
      asks: ['Escribe una consulta: los {n} mayores `{column}` por `{column}` desde {year}.\n{pieces}'],
      pieces: ['{ddl}'],
      between: '\n',
    },
    classification: {
      asks: ['¿Positiva, neutra o negativa? Una palabra.\n{pieces}', 'Ticket {nn}: {pieces} ¿Factura, envío o error?'],
      pieces: ['{review}'],
      between: ' ',
    },
    tools: {
      asks: [
        'Reserva una mesa para {d} en {city} el {date} a nombre de {person}. {pieces}',
        '¿Qué tiempo hace en {city}? {pieces}',
      ],
      pieces: ['Como mucho {money} euros.', 'Tenemos {n} minutos.', 'Si no, pregunta a {company}.'],
      between: ' ',
    },
  },
};
