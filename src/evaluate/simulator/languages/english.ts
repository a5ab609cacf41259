/** Prompts in English. */
import { type Phrases, SHARED } from './language.ts';

export const english: Phrases = {
  lists: {
    ...SHARED,
    topic: [
      'a trip to the {place}',
      'our new {shop} in {city}',
      'a lost {animal}',
      'moving to {city}',
      'the first day at {place}',
      'learning to {doing}',
      'a {adjective} neighbour',
      'the summer of {year}',
    ],
    place: ['mountains', 'harbour', 'school', 'library', 'old town', 'seaside', 'workshop', 'market'],
    shop: ['bakery', 'bookshop', 'bike repair', 'tea house', 'garden centre', 'clinic'],
    animal: ['cat', 'parrot', 'tortoise', 'fox', 'horse', 'owl', 'dog', 'hedgehog'],
    doing: ['sail', 'bake bread', 'play the cello', 'swim', 'speak {tongue}', 'paint', 'cook for {d} people'],
    tongue: ['Portuguese', 'Japanese', 'Polish', 'Arabic', 'Swedish'],
    adjective: ['warm', 'formal', 'funny', 'quiet', 'stubborn', 'careful', 'restless', 'polite', 'gloomy'],
    who: ['my neighbour', 'a customer', 'my landlord', 'our team', 'an old friend', 'my sister {name}', '{person}'],
    item: ['bolts', 'lamps', 'bags of coffee', 'reams of paper', 'cables', 'chairs', 'jars of honey', 'batteries'],
    science: ['a cell', 'an acid', 'a lens', 'the tide', 'a contract', 'an inflation rate', 'a neuron', 'a rock layer'],
    sentence: [
      'In {year} the {shop} in {city} was bought by {person}, who had worked there for {d} years.',
      'The council of {city} voted {n} to {d} against the plan, although {person} had spoken for it.',
      'Rainfall in the {place} fell by {n} percent, and farmers near {city} lost {nn} acres of wheat.',
      '{person} said that the {place} would stay open until {year}, whatever {company} decided.',
      'Researchers from {city} counted {nn} birds, {n} percent more than in the year before.',
      '{company} reported sales of {money} million dollars and let {nn} people go.',
      'A {adjective} {animal} was found near the {place}; {name} took it home for {d} days.',
      'The new line between {city} and {city} cost {nn} million and opened {d} years late.',
      'Nobody in the {shop} had noticed that {person} was gone, because it was {adjective} weather.',
    ],
    review: [
      'The {item} came after {n} days and two of them were broken.',
      'I have used it for {d} months and it is still {adjective}.',
      '{name} from support was {adjective} and sent me {d} new {item}.',
      'For {money} dollars I had expected more than this.',
      'Best {item} I have bought since {year}!',
    ],
  },
  systems: [
    'You are a helpful assistant of {company}. Answer politely and in a few sentences.',
    'You are an expert. Think before you answer, and say so where you are not sure. Never invent sources.',
    'You work for {company} in {city}. Follow the house style: short words, no lists, no more than {n} lines. If a person asks for prices, send them to {person}.',
  ],
  answers: [
    'Of course. Here is a first version about {topic}; tell me what to change.',
    'The answer is {nn}. I took {n} steps, of which the last {d} only check the result.',
    '{sentence} {sentence} Is that what you were looking for?',
    'There are {d} ways to do it. The usual one is `{fn}`, which takes {n} {noun} at once.',
  ],
  follows: [
    'Thanks! And now this:\n{ask}',
    'Good, but {d} things are still wrong. Once more:\n{ask}',
    'Could you also do the next one? {ask}',
  ],
  kinds: {
    code: {
      asks: [
        'Write a {coding} function `{fn}({noun})` that returns the {d} largest items of {n}, and a unit test for it. Start from this:\n\n```\n{pieces}\n```',
        'Why does this {coding} code raise `{error}`?\n\n```\n{pieces}\n```',
        'Refactor this {coding} code so that `{fn}()` needs no loop and handles {nn} {noun} per second:\n\n```\n{pieces}\n```',
        'Review the following {coding} change of {name} to `{fn}` and list the bugs:\n\n```\n{pieces}\n```',
      ],
      pieces: ['{line}'],
      between: '\n',
    },
    maths: {
      asks: [
        '{pieces} How much does {name} have left in the end?',
        'Solve and simplify. Show each step and put the result in \\boxed{}.\n{formula}, {formula}\n{pieces}',
        'Compute the exact value of {formula}, then use it here: {pieces} How many are there in total?',
      ],
      pieces: [
        '{name} buys {n} {item} for ${money} each and gives {d} of them away.',
        'Each of the {d} boxes costs {n} dollars, {n} percent less than last week.',
        'After {d} days {name} has twice as many {item} as {name}, who has {nn}.',
        'Let {formula}.',
        'A train needs {n} minutes for {nn} miles and waits {d} times.',
      ],
      between: ' ',
    },
    choice: {
      asks: [
        '{pieces}\nWhich of these is true of {science}?\nA. It takes {n} units\nB. It is {adjective}\nC. It needs {d} parts\nD. none of these\nAnswer with one letter.',
        'Question {nn}: {pieces} What follows?\nA) {name} was right\nB) {name} was wrong\nC) {nn} were lost\nD) It cannot be known\n',
      ],
      pieces: ['{sentence}', 'Suppose that {science} is measured {n} times in {city}, with {d} errors.'],
      between: ' ',
    },
    summary: {
      asks: [
        'Summarise the following report in {d} sentences.\n\n{pieces}',
        'What are the {d} main points of this text? Write for {who}.\n\n{pieces}',
        'TL;DR of this, at most {n} words:\n{pieces}',
      ],
      pieces: ['{sentence}'],
      between: ' ',
    },
    translation: {
      asks: [
        'Translate into {tongue}: {pieces}',
        'How would you say this in {tongue}, in a {adjective} tone?\n"{pieces}"',
      ],
      pieces: ['{sentence}', '{review}', 'Could you tell {who} about {topic}?'],
      between: ' ',
    },
    extraction: {
      asks: [
        'Extract name, city, date and total as JSON from:\n{pieces}',
        'Return a JSON array with one object {"person", "place", "amount"} for each line:\n{pieces}',
      ],
      pieces: [
        '- Invoice {nn}: {person}, {city}, {date}, total {money}',
        '- Order {nn}/{n}: {n} {item}, {company}, {money} USD',
        '* "{person}" paid {money} in {city} on {date}.',
      ],
      between: '\n',
    },
    chat: {
      asks: [
        'hey, {pieces} any ideas for me?',
        'I am a bit nervous about {topic}. {pieces} What would you do?',
        'Do you think {who} would like {topic}? {pieces}',
        'Good morning! {pieces}',
      ],
      pieces: [
        'my {animal} is {adjective} today and I have {n} minutes left.',
        'we are in {city} with {name} and {d} kids.',
        'I told {who} about {topic} and now it is {adjective} between us.',
      ],
      between: ' ',
    },
    creative: {
      asks: [
        'Write a {adjective} story about {topic}. {pieces}',
        'Draft a poem of {n} lines for {who}. {pieces}',
        'Invent a scene between {person} and a {animal} in {city}. {pieces}',
      ],
      pieces: [
        'She had always known that {name} was {adjective}, and he was not.',
        'It must mention {topic} and {d} {item}.',
        'They went to the {place}, and nobody said a word about {topic}.',
      ],
      between: ' ',
    },
    puzzle: {
      asks: [
        'There are {d} people at a table. {pieces} Who sits next to {name}? Explain your reasoning step by step.',
        'Use the clues to deduce the order. {pieces} Therefore, which of them was third, and why?',
      ],
      pieces: [
        '{name} sits {d} places to the left of {name}.',
        'If {name} lies, then {name} tells the truth about the {animal}.',
        'The one with the {animal} came before {name}, but not first.',
        'Neither {name} nor the owner of {n} {item} lives in {city}.',
      ],
      between: ' ',
    },
    sql: {
      asks: [
        'Given these tables, write a query for the {d} highest `{column}` per `{column}` since {year}:\n{pieces}',
        'Why is this slow, and which index helps {table}?\n{pieces}\nSELECT {column}, COUNT(*) FROM {table} WHERE {column} > {nn} GROUP BY {column} HAVING COUNT(*) > {n};',
      ],
      pieces: ['{ddl}'],
      between: '\n',
    },
    classification: {
      asks: [
        'Classify this review as positive, neutral or negative. One word only.\n{pieces}',
        'Label the ticket with one of: billing, delivery, bug, other.\nTicket {nn}: {pieces}',
      ],
      pieces: ['{review}'],
      between: ' ',
    },
    tools: {
      asks: [
        'Book a table for {d} in {city} on {date} under {person}. {pieces}',
        'What is the weather in {city}, and how far is it to {city}? {pieces}',
        'Find order {nn} and tell {who} when it comes. {pieces}',
      ],
      pieces: [
        'It should not cost more than {money}.',
        'If {company} is closed, try {company}.',
        'We have {n} minutes.',
      ],
      between: ' ',
    },
  },
};
