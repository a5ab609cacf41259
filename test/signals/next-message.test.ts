import { describe, expect, test } from 'vitest';
import { lastQuestion, type SaidMessage, verdictOn } from '../../src/signals/next-message.ts';

const QUESTION = 'Which bird sings first in the morning here?';
const ANSWER = 'The blackbird starts about an hour before sunrise. It sits on the highest branch.';

/** What is made of an answer when this comes behind it. */
const judged = (next: string, answer = ANSWER, question = QUESTION) =>
  verdictOn([
    { role: 'user', content: question },
    { role: 'assistant', content: answer },
    { role: 'user', content: next },
  ]);

const OBJECTIONS: Readonly<Record<string, readonly string[]>> = {
  en: [
    'Wrong.',
    "That's wrong",
    'That is not right, look again.',
    'No, it is the robin.',
    'Nope. Try again',
    'you misunderstood me',
    'This still doesn’t work',
    "Thanks, but that's not what I asked.",
    'Sorry, but your second answer is incorrect.',
    'I tried it. It does not work.',
    'not helpful',
    "You didn't answer my question.",
    'Still getting the same error',
    '👎',
    'No thats not correct',
    "I don't think that's right",
    'It throws an error',
    'Your solution is wrong because n can be 0',
    'There is a mistake in step 2',
    'I asked for Python, not Java',
    'wrong!!',
    'it should be 7',
  ],
  de: [
    'Falsch!',
    'Das ist leider falsch.',
    'Nein, es ist das Rotkehlchen.',
    'Das stimmt nicht',
    'Funktioniert immer noch nicht',
    'du hast mich falsch verstanden',
    'Versuch es noch einmal',
    'Danke, aber das ist nicht richtig',
    'nein das ist falsch',
  ],
  fr: [
    'C’est faux',
    "Non, c'est le merle.",
    'Ça ne marche pas',
    'ça marche toujours pas',
    'Tu te trompes.',
    'réessaie',
    "ce n'est pas ce que j'ai demandé",
  ],
  es: [
    'Eso no es correcto',
    'No, es el mirlo.',
    'está mal',
    'Todavía no funciona.',
    'Te equivocas',
    'inténtalo de nuevo',
    'No me has entendido',
  ],
  pt: ['Está errado', 'Não, é o melro.', 'isso não funciona', 'Você errou', 'tente novamente', 'ainda não funciona'],
  it: ['È sbagliato', 'No, è il merlo.', 'Non funziona', 'ti sbagli', 'riprova', 'Non è quello che ho chiesto'],
  nl: ['Dat klopt niet', 'Nee, het is de merel.', 'fout', 'Het werkt nog steeds niet', 'probeer het opnieuw'],
  sv: ['Det är fel', 'Nej, det är koltrasten.', 'det fungerar inte', 'du har missförstått', 'Försök igen'],
  da: ['Det er forkert', 'Nej, det er solsorten.', 'Det virker stadig ikke', 'du tager fejl', 'prøv igen'],
  no: ['Det er feil', 'Nei, det er svarttrosten.', 'Det fungerer ikke', 'du tar feil', 'Prøv på nytt'],
  fi: ['Väärin', 'Ei, se on mustarastas.', 'Se ei toimi', 'ymmärsit väärin', 'yritä uudelleen'],
  pl: ['To nieprawda', 'Nie, to kos.', 'Nadal nie działa', 'mylisz się', 'spróbuj jeszcze raz', 'Źle'],
  cs: ['To je špatně', 'Ne, je to kos.', 'pořád to nefunguje'.replace('to ', ''), 'mýlíš se', 'zkus to znovu'],
  ru: ['Неверно', 'Нет, это дрозд.', 'Это неправильно', 'Всё равно не работает', 'ты ошибся', 'попробуй ещё раз'],
  uk: ['Це неправильно', 'Ні, це дрізд.', 'Не працює', 'ти помиляєшся', 'спробуй ще раз'],
  tr: ['Yanlış', 'Hayır, karatavuk.', 'Bu doğru değil', 'Hâlâ çalışmıyor', 'yanlış anladın', 'tekrar dene'],
  ar: ['هذا خطأ', 'لا، إنه الشحرور.', 'غير صحيح', 'لا يعمل', 'أنت مخطئ', 'حاول مرة أخرى'],
  he: ['זה לא נכון', 'לא, זה השחרור.', 'זה לא עובד', 'אתה טועה', 'נסה שוב'],
  hi: ['यह गलत है', 'नहीं, वह दूसरा है।', 'यह सही नहीं है', 'काम नहीं कर रहा है', 'फिर से कोशिश करो'],
  zh: [
    '不对',
    '错了,应该是知更鸟。',
    '不,是画眉。',
    '这个答案不正确',
    '还是不行',
    '你理解错了',
    '再试一次',
    '代码运行不了',
  ],
  ja: [
    '違います',
    'いいえ、それはツグミです。',
    '答えが間違っています',
    'まだ動きません',
    'もう一度やって',
    'それは正しくないです',
  ],
  ko: [
    '틀렸어요',
    '아니요, 그건 지빠귀예요.',
    '답이 틀렸습니다',
    '아직도 안 돼요',
    '다시 해 주세요',
    '작동하지 않아요',
  ],
  vi: ['Sai rồi', 'Không, đó là chim sáo.', 'không đúng', 'vẫn không chạy', 'bạn hiểu sai rồi', 'thử lại'],
  id: ['Salah', 'Bukan, itu burung lain.', 'itu tidak benar', 'masih tidak berfungsi', 'coba lagi', 'kamu salah'],
  el: ['Λάθος', 'Όχι, είναι ο κότσυφας.', 'δεν δουλεύει', 'κάνεις λάθος', 'Δεν είναι σωστό', 'προσπάθησε ξανά'],
  ro: ['Greșit', 'Nu, este mierla.', 'nu merge', 'Tot nu funcționează', 'ai înțeles greșit', 'încearcă din nou'],
  hu: ['Ez nem jó', 'Nem, az a feketerigó.', 'Még mindig nem működik', 'tévedsz', 'próbáld újra'],
};

const GOING_ON: Readonly<Record<string, readonly string[]>> = {
  en: [
    'Is that right?',
    'What is wrong with my code?',
    'no problem, thanks',
    'No, thanks!',
    'No worries, that helps',
    "That's not wrong",
    "That's right.",
    'Why is 3 the wrong answer?',
    'How do I handle errors in Python?',
    'Which of them do not work in winter?',
    'Are you sure?',
    'Thanks! And in the evening?',
    'Now explain what happens when it does not work.',
    'I still have a question about the second part.',
    "Still not sure I understand the second one. What's a blackbird?",
    'Not bad! Make it shorter.',
    'Same problem with 5 apples and 7 pears',
    'Write the wrong answers as well, for a quiz.',
    'Nothing wrong with that. Go on.',
    'False friends in English and German, please.',
    'Is it wrong to feed them?',
    'No. 5 is the one I like. Tell me more.',
    'No, nothing else',
    'No idea. You decide.',
    'No more than 100 words, please',
    'Non-native birds?',
    "I don't understand the second step",
    'Can you check again?',
    'That was wrong of him. What should I reply to my boss?',
    'My washing machine does not work, what can I do?',
    'Translate "that is wrong" into French',
    'It is not clear to me why. Explain.',
    'Make the wrong answers plausible',
    'thanks, that fixed the error',
    'Ok no more birds. What about fish?',
    'The robin is not a blackbird, so what does it eat?',
  ],
  de: [
    'Nein danke, aber erkläre mir noch den Gesang',
    'Nein, danke.',
    'Stimmt das?',
    'Was ist an meinem Code falsch?',
    'Nicht schlecht! Und im Winter?',
    'Das ist nicht falsch.',
    'Danke, das ist richtig.',
    'Warum funktioniert das nicht?',
    'Mal was anderes: wie spät ist es?',
    'Ich habe falsch geparkt, was nun?',
  ],
  fr: [
    'Merci !',
    "C'est vrai ?",
    "Non merci, c'est bon",
    'Pourquoi est-ce faux ?',
    'Pas mal, continue',
    "C'est pas faux",
  ],
  es: ['No está mal', '¿Está mal?', 'No, gracias', '¿Por qué no funciona?', 'No sabía eso, gracias', 'Eso es correcto'],
  pt: ['Não está errado', 'Não, obrigado', 'Está errado?', 'Por que não funciona?'],
  it: ['Non è sbagliato', 'No, grazie', 'È sbagliato?', 'Perché non funziona?', 'Non male!'],
  nl: ['Nee, bedankt', 'Klopt dat?', 'Dat is niet fout', 'Waarom werkt het niet?'],
  sv: ['Nej tack', 'Stämmer det?', 'Varför fungerar det inte?'],
  pl: ['Nie, dziękuję', 'Nieźle!', 'Dlaczego to nie działa?'],
  ru: ['Я не понимаю второй шаг', 'Нет, спасибо', 'Неплохо! А зимой?', 'Почему это неправильно?', 'Это правильно'],
  uk: ['Ні, дякую', 'Чому це неправильно?'],
  tr: ['Hayır, teşekkürler', 'Kodumda neresi yanlış?', 'Neden çalışmıyor'],
  ar: ['لا، شكرا', 'هل هذا خطأ؟', 'لماذا لا يعمل؟'],
  he: ['לא, תודה', 'למה זה לא עובד?', 'זה נכון'],
  hi: ['नहीं, धन्यवाद', 'मेरे कोड में क्या गलत है', 'यह सही है'],
  zh: [
    '我不明白第二步',
    '没有',
    '不用了,谢谢',
    '为什么不对?',
    '我的代码哪里错了',
    '这个答案不对吗',
    '没错,继续',
    '不错!再写一个',
  ],
  ja: ['いいえ、大丈夫です', 'どこが間違っていますか', 'なぜ動かないのですか', 'ありがとう、次は?'],
  ko: ['두 번째가 이해가 안 돼요', '아니요, 괜찮아요', '왜 안 돼요?', '뭐가 틀렸어요', '고마워요'],
  vi: ['Không, cảm ơn', 'Tại sao lại sai?'],
  id: ['Tidak, terima kasih', 'Kenapa salah?', 'Tidak apa-apa'],
};

const rows = (table: Readonly<Record<string, readonly string[]>>): [string, string][] =>
  Object.entries(table).flatMap(([language, texts]) => texts.map((text): [string, string] => [language, text]));

describe('what somebody says next', () => {
  test.each(rows(OBJECTIONS))('corrects the answer (%s): %s', (_language, text) => {
    expect(judged(text)).toBe('corrected');
  });

  test.each(rows(GOING_ON))('goes on from it (%s): %s', (_language, text) => {
    expect(judged(text)).toBe('continued');
  });

  test('is known in at least twenty languages', () => {
    expect(Object.keys(OBJECTIONS).length).toBeGreaterThanOrEqual(20);
  });

  test('answers an answer that asked, where it says no', () => {
    expect(judged('No.', 'Shall I add an example?')).toBe('continued');
    expect(judged('No, leave it out.', 'Shall I add an example? Just say so.')).toBe('continued');
    expect(judged('False.', 'True or false: the robin sings first?')).toBe('continued');
    expect(judged('That is not what I asked.', 'Shall I add an example?')).toBe('corrected');
  });
});

describe('a question that comes again behind its answer', () => {
  test.each([
    ['as it was', QUESTION],
    ['in other letters', 'which bird sings first in the morning here'],
    ['with a typo mended', 'Which bird sings first in the mornnig here?'],
    ['with a few words more', 'Please: which bird sings first in the morning here?'],
  ])('%s says that the answer was none', (_how, again) => {
    expect(judged(again)).toBe('corrected');
  });

  test.each(['为什么天空是蓝色的?', 'Почему небо голубое?', 'आकाश नीला क्यों है?'])(
    'does so in any language: %s',
    (question) => {
      expect(judged(question, ANSWER, question)).toBe('corrected');
    },
  );

  test('does not come again where another is asked on the same subject', () => {
    expect(judged('Which bird sings first in the evening here?')).toBe('continued');
    expect(judged('Which bird sings last in the evening, and why?')).toBe('continued');
    expect(judged('And which birds come back in the spring?')).toBe('continued');
  });

  test.each([
    'continue',
    'go on',
    'Tell me another joke',
    'next question please',
    'weiter, bitte',
    'encore une autre',
    'дальше, пожалуйста',
    '请继续写下一章',
    '次の例をお願いします',
  ])('is none where it asks for more, in the same words: %s', (text) => {
    expect(judged(text, ANSWER, text)).toBe('continued');
  });

  test('is none where it is about another picture', () => {
    const shown = (url: string): SaidMessage => ({
      role: 'user',
      content: [
        { type: 'text', text: QUESTION },
        { type: 'image_url', image_url: { url } },
      ],
    });
    expect(verdictOn([shown('a'), { role: 'assistant', content: ANSWER }, shown('b')])).toBe('continued');
  });

  test('is none where a short reply answers an answer that asked back', () => {
    expect(judged('the blackbird', 'Which one?', 'the blackbird or the robin')).toBe('continued');
    expect(judged('blackbird', 'Which one do you mean, the blackbird or the robin?', 'blackbird')).toBe('continued');
    expect(judged('the second', 'Which one?', 'the first or the second bird?')).toBe('continued');
  });
});

const ERRORS: Readonly<Record<string, string>> = {
  Python: 'Traceback (most recent call last):\n  File "a.py", line 3, in <module>\n    f()\nKeyError: \'id\'',
  'Python, the last line alone': "TypeError: unsupported operand type(s) for +: 'int' and 'str'",
  Node: 'I ran it:\n\nTypeError: rows.map is not a function\n    at main (/app/index.js:10:8)\n    at node:internal/main:82:5',
  browser: "Uncaught TypeError: Cannot read properties of undefined (reading 'id')",
  npm: 'npm ERR! code ERESOLVE\nnpm ERR! ERESOLVE unable to resolve dependency tree',
  Java: 'Exception in thread "main" java.lang.NullPointerException\n\tat com.example.Main.run(Main.java:14)',
  'C#': 'Unhandled exception. System.InvalidOperationException: Sequence contains no elements\n   at Program.Main() in /a/Program.cs:line 9',
  'C# compiler': 'Program.cs(9,13): error CS0103: The name "x" does not exist in the current context',
  Go: 'panic: runtime error: index out of range [5] with length 3\n\ngoroutine 1 [running]:',
  'Go compiler': './main.go:12:5: undefined: rows',
  Rust: 'error[E0382]: borrow of moved value: `rows`\n  --> src/main.rs:5:20',
  'Rust panic': "thread 'main' panicked at src/main.rs:4:10:\ncalled `Option::unwrap()` on a `None` value",
  C: 'main.c:7:3: error: expected ‘;’ before ‘return’',
  linker: "main.cpp:(.text+0x15): undefined reference to `helper()'\ncollect2: error: ld returned 1 exit status",
  crash: 'Segmentation fault (core dumped)',
  Ruby: "app.rb:3:in `fetch': key not found: :id (KeyError)",
  PHP: 'PHP Fatal error:  Uncaught Error: Call to undefined function foo() in /a/b.php:3',
  shell: 'bash: pnpm: command not found',
  PowerShell: "'pnpm' is not recognized as an internal or external command,",
  git: 'fatal: not a git repository (or any of the parent directories): .git',
  PostgreSQL: 'ERROR:  column "name" does not exist\nLINE 1: SELECT name FROM a;',
  MySQL: 'ERROR 1064 (42000): You have an error in your SQL syntax; check the manual',
  Oracle: 'ORA-00942: table or view does not exist',
  TypeScript: "src/a.ts:3:7 - error TS2322: Type 'string' is not assignable to type 'number'.",
  pytest: 'FAILED test_a.py::test_sum - assert 3 == 4\n1 failed, 2 passed in 0.12s',
  Jest: ' FAIL  src/a.test.ts\n  ● sum › adds\n    Expected: 4\n    Received: 3',
  'go test': '--- FAIL: TestSum (0.00s)',
  make: 'make: *** [Makefile:4: all] Error 2',
  'with words around it':
    'Now I get this when I start it:\n```\nValueError: invalid literal for int() with base 10\n```\nWhat now?',
};

describe('an error that comes back', () => {
  test.each(Object.entries(ERRORS))('corrects the answer: %s', (_tool, output) => {
    expect(judged(output, 'Run this:\n```\nmain()\n```', 'How do I load the rows?')).toBe('corrected');
    expect(judged(output, 'It means that a key is missing. Use get.', 'Why do I get `IndexError: 3`?')).toBe(
      'corrected',
    );
  });

  test.each([
    'How do I handle errors in Python?',
    'What is a TypeError?',
    'When does Java throw an exception, and when an error?',
    'Add a test that expects an error when the list is empty.',
    'Explain `try { … } catch (error) { … }` to me',
    'It should print "error: no such file" and go on. How?',
    'What does a segmentation fault mean in general',
    'My train fails to come at 10:30: what can I claim?',
    'Also log the exception:\n```\nexcept ValueError as problem:\n    raise RuntimeError("no rows") from problem\n```',
    'The report has 3 chapters:\nIntroduction\nFailures of 2019\nErrors and how to avoid them',
  ])('is not found in words about errors: %s', (text) => {
    expect(judged(text)).toBe('continued');
  });
});

describe('a part of the answer that comes back', () => {
  const CODE =
    'Use this:\n```\nconst total = rows.reduce((a, b) => a + b.price, 0);\nconsole.log(total);\n```\nIt prints the sum.';
  const line = 'const total = rows.reduce((a, b) => a + b.price, 0);';

  test('with a question goes on from it', () => {
    expect(judged(`${line}\nWhat does the 0 do here?`, CODE)).toBe('continued');
    expect(judged(`> It prints the sum.\n\nAnd the mean?`, CODE)).toBe('continued');
  });

  test('with an objection corrects it', () => {
    expect(judged(`${line}\n\nThis doesn't work.`, CODE)).toBe('corrected');
    expect(judged('> It prints the sum.\n\nThat is wrong', CODE)).toBe('corrected');
  });

  test('with an error corrects it, but not with one that the answer itself has shown', () => {
    expect(judged(`${line}\nReferenceError: rows is not defined`, CODE)).toBe('corrected');
    const explained =
      'You will see this if the file is missing:\n```\nError: ENOENT: no such file or directory\n```\nThat is fine.';
    expect(judged('Error: ENOENT: no such file or directory\nWhy is that fine?', explained)).toBe('continued');
  });
});

describe('a request', () => {
  const asked: SaidMessage = { role: 'user', content: 'Weather in Lyon?' };
  const call: SaidMessage = { role: 'assistant', content: null };
  const result: SaidMessage = { role: 'tool', content: 'Error: 500 Internal Server Error' };

  test('says nothing of an answer where there is none, or where it ends in the beginning of one', () => {
    expect(verdictOn([])).toBeNull();
    expect(verdictOn([asked])).toBeNull();
    expect(verdictOn([asked, { role: 'assistant', content: 'It is' }])).toBeNull();
    expect(verdictOn([{ role: 'tool', content: 'rain' }])).toBeNull();
  });

  test('that brings a tool’s results is no verdict, whatever they are', () => {
    expect(verdictOn([asked, call, result])).toBe('resumed');
    expect(verdictOn([asked, call, { role: 'function', content: 'rain' }])).toBe('resumed');
  });

  test('is judged by what the user says behind a tool’s results', () => {
    expect(verdictOn([asked, call, result, { role: 'user', content: 'Wrong city.' }])).toBe('continued');
    expect(verdictOn([asked, call, result, { role: 'user', content: 'That is wrong.' }])).toBe('corrected');
  });

  test('that repeats the question of an agent’s loop is found to, the steps between left out', () => {
    const answer: SaidMessage = { role: 'assistant', content: 'Rain.' };
    expect(verdictOn([asked, call, result, answer, asked])).toBe('corrected');
  });

  test('may be in parts, and have system messages anywhere', () => {
    const parts = [
      { type: 'text', text: 'That is wrong.' },
      { type: 'image_url', image_url: { url: 'data:' } },
    ];
    const now: SaidMessage = { role: 'system', content: 'It is noon. Nothing is wrong.' };
    expect(
      verdictOn([now, asked, { role: 'assistant', content: 'Rain.' }, { role: 'user', content: parts }, now]),
    ).toBe('corrected');
  });

  test('of many or hostile words is judged in bounded time', () => {
    for (const text of [
      'ok, '.repeat(50_000),
      ' '.repeat(100_000),
      '但 '.repeat(50_000),
      'a:1:'.repeat(50_000),
      `${'x'.repeat(99)}\n`.repeat(2000),
    ]) {
      expect(judged(text, text.slice(1))).not.toBeNull();
    }
  });

  test('asks what the user messages behind the last answer say', () => {
    expect(
      lastQuestion([asked, call, result, { role: 'user', content: 'One' }, { role: 'user', content: 'Two' }]),
    ).toBe('One\nTwo');
    expect(lastQuestion([asked, call])).toBe('');
  });
});
