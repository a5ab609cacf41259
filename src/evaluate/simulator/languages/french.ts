/** Prompts in French. */
import { type Phrases, SHARED } from './language.ts';

export const french: Phrases = {
  lists: {
    ...SHARED,
    topic: [
      'le déménagement à {city}',
      'notre nouvelle boulangerie',
      'le voyage à la mer',
      'la fête de {name}',
      "l'été {year}",
    ],
    animal: ['la chatte', 'le hérisson', 'le cheval', 'la chouette', 'le renard'],
    adjective: ['gai', 'officiel', 'calme', 'têtu', 'prudent', 'sombre'],
    item: ['vis', 'lampes', 'câbles', 'chaises', 'pots de miel', 'cahiers'],
    tongue: ['anglais', 'polonais', 'japonais', 'suédois'],
    sentence: [
      "En {year}, {person} a acheté l'atelier de {city}, où travaillaient {n} personnes.",
      'Le conseil de {city} a voté à {n} contre {d}, bien que {name} ait défendu le projet.',
      'Il a plu {n} pour cent de moins, et {nn} hectares de blé ont été perdus près de {city} en {year}.',
      '{company} annonce {money} millions de ventes et licencie {nn} personnes.',
    ],
    review: [
      'Les {item} sont arrivés au bout de {n} jours, cassés.',
      "{name} était {adjective} et m'a renvoyé {d} {item}.",
    ],
  },
  systems: ["Tu es l'assistant de {company} à {city}. Réponds poliment, en {n} lignes au plus."],
  answers: ['Bien sûr. Voici une première version sur {topic}.', 'Le résultat est {nn}, en {d} étapes.'],
  follows: ['Merci ! Et maintenant ceci :\n{ask}', 'Presque, mais {d} points sont faux. Encore : {ask}'],
  kinds: {
    code: {
      asks: [
        'Écris en {coding} une fonction `{fn}({noun})` qui rend les {n} plus grands :\n\n```\n{pieces}\n```',
        'Pourquoi ce code {coding} donne-t-il `{error}` ?\n\n```\n{pieces}\n```',
      ],
      pieces: ['{line}'],
      between: '\n',
    },
    maths: {
      asks: ['{pieces} Combien en reste-t-il à {name} ?', 'Résous {formula} et simplifie. {pieces}'],
      pieces: [
        '{name} achète {n} {item} à {money} euros pièce et en donne {d}.',
        'Après {d} jours il y en a {n} pour cent de plus.',
        'Soit {formula}.',
      ],
      between: ' ',
    },
    choice: {
      asks: [
        "{pieces}\nQu'en déduire ?\nA. {name} avait raison\nB. {n} ont été perdus\nC. rien de cela\nLa lettre seule.",
      ],
      pieces: ['{sentence}'],
      between: ' ',
    },
    summary: { asks: ['Résume le texte suivant en {d} phrases.\n\n{pieces}'], pieces: ['{sentence}'], between: ' ' },
    translation: { asks: ['Traduis en {tongue} : {pieces}'], pieces: ['{sentence}', '{review}'], between: ' ' },
    extraction: {
      asks: ['Extrais nom, ville, date et total en JSON :\n{pieces}'],
      pieces: [
        '- Facture {nn} : {person}, {city}, {date}, {money} EUR',
        '- Commande {nn} : {n} {item}, {company}, {money}',
      ],
      between: '\n',
    },
    chat: {
      asks: ['Salut ! {pieces} Une idée ?', 'Je suis inquiet pour {name}. {pieces}'],
      pieces: [
        "{animal} est {adjective} aujourd'hui et il me reste {n} minutes.",
        'Nous sommes à {city} et pensons à {topic}.',
      ],
      between: ' ',
    },
    creative: {
      asks: [
        'Raconte une histoire au ton {adjective} sur {topic}. {pieces}',
        'Un poème de {n} vers sur {topic}. {pieces}',
      ],
      pieces: ["{name} l'a toujours su, mais n'a rien dit.", 'On y voit {animal} et {d} {item}.'],
      between: ' ',
    },
    puzzle: {
      asks: ['{d} personnes sont à table. {pieces} Qui est à côté de {name} ? Raisonne pas à pas.'],
      pieces: [
        '{name} est {d} places à gauche de {name}.',
        'Si {name} ment, {name} dit vrai.',
        "{name} a {n} {item} et n'habite pas à {city}.",
      ],
      between: ' ',
    },
    sql: {
      asks: ['Écris une requête : les {n} plus grands `{column}` par `{column}` depuis {year}.\n{pieces}'],
      pieces: ['{ddl}'],
      between: '\n',
    },
    classification: {
      asks: ['Positif, neutre ou négatif ? Un mot.\n{pieces}', 'Ticket {nn} : {pieces} Facture, livraison ou erreur ?'],
      pieces: ['{review}'],
      between: ' ',
    },
    tools: {
      asks: [
        'Réserve une table pour {d} à {city} le {date} au nom de {person}. {pieces}',
        'Quel temps fait-il à {city} ? {pieces}',
      ],
      pieces: ['Au plus {money} euros.', 'Nous avons {n} minutes.', 'Sinon, demande à {company}.'],
      between: ' ',
    },
  },
};
