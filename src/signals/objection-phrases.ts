/** How people say that an answer is wrong, does not work or missed the question, language by language. */

/**
 * Phrases in small letters, as regular expressions have them. They are folded before they are used, so that "hâlâ" and "hala"
 * are one. What is repeated is so at most four times, and no two alternatives of a repeated group may make the same text:
 * there would be twice as many ways to read it with each word.
 */
export interface Phrases {
  /** Say nothing by themselves and may stand in front: "sorry, …", "but …". */
  openers: string;
  /** What says no: objects where a comma or a full stop follows, and no thanks. */
  no: string;
  /** What makes a "no, …" a polite one. */
  thanks: string;
  /** Object where nothing but a mark follows: "wrong." */
  alone: string;
  /** Object where a sentence begins with them, whatever follows. */
  starts: string;
  /** Object where a short sentence ends with them, as it does in languages whose verb comes last. */
  ends?: string;
}

export const PHRASES: Readonly<Record<string, Phrases>> = {
  en: {
    openers:
      "(?:no|nope|nah)(?= (?:thats?|this|its?|you|i|the|your|not|still|try)\\b)|please|but|and|hm+|um+|uh|ugh|sorry|well|actually|ok|okay|sadly|unfortunately|i think|i believe|i'?m afraid|hey|hi|hello|wait|thanks|thank you|i tried(?: it| that| this)?|tried(?: it| that| this)?",
    no: 'no|nope|nah',
    thanks:
      "thanks|thank you|thx|problem|worries|need|that is all|that'?s (?:all|fine|ok|it|great|good)|i'?m (?:good|fine)|go ahead|please|just|nothing",
    alone:
      'wrong|incorrect|false|not right|not correct|not true|still wrong|wrong again|bad|terrible|useless|bad (?:answer|bot)|not good(?: enough)?|not helpful|no(?: no){1,3}|wtf(?: no)?|nonsense|bullshit|same (?:error|problem|issue)(?: again)?',
    starts:
      "wrong (?:answer|result|output|language|file|function)|(?:that|this|it)(?:'?s| is| was| are)?(?: still| just| simply| completely| totally| also| definitely| plain){0,4} (?:(?:wrong|incorrect|false)(?! (?:of|with|on purpose))|garbage|rubbish|bullshit|useless|terrible|not (?:right|correct|true|good|helpful|working|what i|it|how|the (?:right|correct|answer|question))|not (?:quite|really|at all|even) (?:right|correct|true|what i|close)|nonsense)|(?:that|this|it) (?:isn'?t|wasn'?t|ain'?t) (?:right|correct|true|good|helpful|working|what i|it|quite right|even close)|that(?:'?s| is) a mistake|you(?:'?re| are)(?: still| just| simply| completely)? (?:wrong|mistaken|incorrect|not listening|missing the point|making (?:this|that|it) up)|you (?:misunderstood|misunderstand|misread|got (?:it|that|this) wrong|made (?:a|an) (?:mistake|error)|forgot|missed|ignored|skipped|didn'?t (?:answer|understand|read|follow|include|do|use|fix)|did not (?:answer|understand|read|follow|include|do|use|fix)|hallucinated)|(?:(?:it|this|that)(?: still)?|still) (?:doesn'?t|does not|didn'?t|did not|won'?t|will not) (?:work|help|compile|run|build|pass|answer|fix)|(?:doesn'?t|does not|didn'?t|did not) (?:work|help|compile)|(?:that|this|it) (?:makes|made) no sense|i (?:don'?t|do not) think (?:so|(?:that|this|it)(?:'?s| is) (?:right|correct|true|it|what))|(?:that|this|it) (?:can'?t|cannot|can not) be (?:right|correct|true)|(?:(?:that|this|it) )?(?:doesn'?t|does not) (?:look|seem|sound) (?:right|correct|good)|there(?:'?s| is| are) (?:an? |some |still ){0,4}(?:error|mistake|bug)s? in (?:your|step|this|that|it)|(?:(?:it|that|the answer) )?should(?:'?ve| have)? be(?:en)? [-\\d]|(?:it|your code|the code|that)(?: still| just| now){0,4} (?:crashes|fails|(?:throws|gives|produces|returns)(?: me)? (?:an?|the same|another) (?:\\S+ ){0,2}(?:error|exception))|i(?:'?m| am)?(?: still| now| just){0,4} (?:get|getting|got) (?:an?|the same|this|another) (?:\\S+ ){0,2}(?:error|exception)|not working|still (?:not (?:working|right|correct|fixed|it|what|good|solved|compiling|running)|wrong|broken|failing|fails|the same|getting (?:the|an?|this|that|errors?)|incorrect|no (?:luck|change))|(?:the|your)(?: \\S+){1,4} (?:is|are|was)(?: still| just| completely)? (?:wrong|incorrect|not (?:right|correct|working)|broken)|(?:the|your|that)(?: \\S+){1,4} (?:doesn'?t|does not|didn'?t|don'?t|do not) (?:work|compile|run|help|answer my)|try again|please try again|try it again|do it again properly|not what i (?:asked|meant|wanted|said)|i (?:didn'?t|did not) (?:ask|mean|want|say)|i (?:said|asked for|asked you)|i(?:'?m| am) still (?:getting|seeing)|i still (?:get|see|have) (?:the|this|that|an?) (?:\\S+ ){0,2}(?:error|problem|issue|exception|failure|result|output|warning)|(?:the )?same (?:error|problem|issue) (?:again|still|as before|persists)|(?:check|read) (?:it|that|this|my (?:question|message)) again",
  },
  de: {
    openers: 'nein|nee|aber|und|hm+|ähm?|sorry|entschuldigung|also|leider|ich glaube|ich denke|danke|doch|ok',
    no: 'nein|nee|nö|ne',
    thanks: 'danke|dank|kein problem|passt|schon gut|alles gut|das (?:war|ist) alles|bitte',
    alone: 'falsch|nicht richtig|nicht korrekt|stimmt nicht|unsinn|quatsch|immer noch falsch|nicht gut|schlecht',
    starts:
      '(?:das|es|dies)(?: ist| war)(?: immer noch| leider| doch| so| einfach| schlicht| völlig| komplett){0,4} (?:falsch|unsinn|quatsch|nicht (?:richtig|korrekt|wahr|das,? was|gut|hilfreich))|(?:das|es)? ?stimmt (?:so |leider |immer noch ){0,4}nicht|(?:das|es|der code|dein code)? ?(?:funktioniert|klappt|geht|hilft|läuft|kompiliert) (?:so |leider |immer noch |bei mir |noch |mir ){0,4}nicht|falsche (?:antwort|sprache|ausgabe)|du (?:hast (?:mich|das|die frage|es|meine frage) (?:falsch|missverstanden|nicht)|irrst dich|liegst falsch|hast dich geirrt|hast (?:vergessen|übersehen))|(?:sie haben|ihr habt) (?:mich|das|die frage) (?:falsch|missverstanden|nicht)|(?:versuch|probier)\\S*(?: es)? (?:noch ?mal|noch einmal|erneut|nochmals)|immer noch (?:nicht|falsch|der|derselbe|das gleiche)|(?:deine|die|ihre) (?:antwort|lösung|ausgabe|rechnung) ist (?:immer noch |leider )?(?:falsch|nicht)|das (?:habe ich|hab ich|wollte ich|meinte ich) (?:so )?nicht|danach habe ich nicht',
  },
  fr: {
    openers:
      "non(?= (?:c'est|ça|cela|ce|tu|vous))|mais|et|hm+|euh|désolé|pardon|bon|malheureusement|je crois que|je pense que|merci|ok",
    no: 'non|nan',
    thanks: "merci|pas de (?:problème|souci)|c'est (?:tout|bon|parfait)|ça va|s'il",
    alone: "faux|incorrect|pas correct|pas juste|inexact|erroné|toujours faux|mauvaise réponse|n'importe quoi|pas bon",
    starts:
      "(?:c'est|ceci est|cela est|c'était)(?: toujours| encore| complètement| tout simplement){0,4} (?:faux|incorrect|inexact|erroné|pas (?:ça|correct|juste|bon|exact|vrai|ce que))|ce n'est (?:toujours )?pas (?:ça|correct|juste|bon|exact|vrai|ce que)|(?:ça|cela|il|le code|ton code) ne (?:marche|fonctionne|compile|va|m'aide) (?:toujours )?pas|(?:ça|le code) (?:marche|fonctionne|compile) (?:toujours )?pas|tu (?:te trompes|t'es trompé|as (?:mal compris|tort|oublié|fait une erreur)|n'as pas (?:compris|répondu|lu))|vous (?:vous trompez|vous êtes trompé|avez (?:mal compris|tort|oublié|fait une erreur)|n'avez pas (?:compris|répondu|lu))|(?:réessaie|réessayez|essaie encore|essayez encore|recommence)|toujours (?:pas|faux|la même|le même)|(?:ta|votre|la) (?:réponse|solution) est (?:toujours )?(?:fausse|incorrecte|erronée)|je n'ai pas (?:demandé|dit)",
  },
  es: {
    openers: 'pero|y|hm+|eh|perdón|perdona|lo siento|bueno|lamentablemente|creo que|pienso que|gracias|ok',
    no: 'no',
    thanks: 'gracias|hay problema|pasa nada|está bien|eso es todo|por favor|te preocupes',
    alone:
      'mal|incorrecto|falso|equivocado|erróneo|no es correcto|no es cierto|respuesta incorrecta|sigue mal|está mal|otra vez mal|eso no',
    starts:
      '(?:eso|esto|la respuesta|tu respuesta)(?: todavía| aún)? (?:es(?:tá)?|sigue siendo|sigue estando)(?: mal| incorrect[oa]| falso| equivocad[oa]| erróne[oa])|(?:eso|esto|la respuesta|tu respuesta)? ?(?:todavía |aún |sigue )?(?:no|sin) (?:es (?:correcto|cierto|verdad|así|lo que)|está bien|funciona|funcionar|funcionó|sirve|compila|me sirve|me ayuda|era lo que)|está (?:mal|equivocado|incorrecto)|te (?:equivocas|equivocaste|has equivocado|falta)|(?:usted )?se (?:equivoca|equivocó|ha equivocado)|(?:me )?(?:has entendido mal|entendiste mal|malinterpretaste|no me has entendido|no entendiste|no has entendido)|(?:inténtalo|intenta|inténtelo|prueba|vuelve a intentarlo)(?: de nuevo| otra vez)?$|(?:inténtalo|intenta|inténtelo|prueba) (?:de nuevo|otra vez)|no (?:pedí|pregunté|dije) eso',
  },
  pt: {
    openers: 'mas|e|hm+|desculpa|desculpe|bom|infelizmente|acho que|penso que|obrigad[oa]|ok',
    no: 'não',
    thanks: 'obrigad[oa]|tem problema|há problema|é (?:só|tudo)|faz mal|tudo bem|por favor',
    alone: 'errado|incorreto|incorrecto|falso|não está certo|resposta errada|ainda errado|está errado|tá errado',
    starts:
      '(?:isso|isto|a resposta|sua resposta|a tua resposta)(?: ainda)? (?:está|tá|é) (?:errad[oa]|incorret[oa]|fals[oa]|mal)|(?:isso|isto|o código)? ?(?:ainda )?não (?:está (?:certo|correto|correcto|a funcionar|funcionando)|é (?:verdade|isso|correto|correcto|o que)|funciona|funcionou|deu certo|compila|ajuda|ajudou|era isso|foi isso)|está errado|você (?:está errado|errou|entendeu (?:mal|errado)|se enganou|não entendeu|esqueceu)|(?:estás errado|enganaste-te|percebeste mal|não percebeste|não entendeste)|(?:tente|tenta) (?:de novo|novamente|outra vez)|não (?:pedi|perguntei|disse) isso|continua (?:errado|sem funcionar|não)',
  },
  it: {
    openers: 'ma|e|hm+|ehm|scusa|scusi|allora|purtroppo|credo che|penso che|grazie|ok',
    no: 'no',
    thanks: "grazie|problem|c'è problema|va bene|è tutto|basta così|per favore",
    alone:
      'sbagliato|errato|falso|scorretto|non è corretto|non è giusto|non è vero|risposta sbagliata|ancora sbagliato',
    starts:
      "(?:è|e'|questo è|questa è|la risposta è|la tua risposta è)(?: ancora| proprio| completamente){0,4} (?:sbagliat[oa]|errat[oa]|fals[oa]|scorrett[oa])|(?:questo |ciò |il codice )?(?:ancora )?non (?:è (?:corretto|giusto|vero|così|quello che)|funziona|va|compila|mi aiuta|era quello)|(?:ti sbagli|ti sei sbagliato|hai sbagliato|hai torto|hai capito male|non hai capito|hai frainteso|hai dimenticato|si sbaglia|ha capito male)|(?:riprova|prova di nuovo|prova ancora|riprovi)|non ho (?:chiesto|detto) questo",
  },
  nl: {
    openers: 'nee|maar|en|hm+|sorry|nou|helaas|ik denk dat|volgens mij|bedankt|dank je|ok',
    no: 'nee',
    thanks: 'bedankt|dank|geen probleem|dat is alles|hoeft niet|graag',
    alone: 'fout|verkeerd|onjuist|klopt niet|niet goed|niet juist|niet correct|nog steeds fout|onzin',
    starts:
      '(?:dat|dit|het) is(?: nog steeds| helaas| gewoon| helemaal){0,4} (?:fout|verkeerd|onjuist|onzin|niet (?:goed|juist|correct|waar|wat))|(?:dat|dit|het)? ?klopt (?:nog steeds |helaas )?niet|(?:dat|dit|het|de code|je code)? ?(?:werkt|helpt|compileert) (?:nog steeds |nog |helaas |bij mij ){0,4}niet|je (?:hebt (?:het|me|mij|de vraag) (?:verkeerd|niet)|vergist je|zit fout|bent? vergeten)|probeer (?:het )?(?:nog (?:eens|een keer)|opnieuw)|nog steeds (?:niet|fout|dezelfde)|(?:je|het|uw) (?:antwoord|code) is (?:nog steeds )?(?:fout|verkeerd|niet)|dat (?:vroeg|bedoelde) ik niet',
  },
  sv: {
    openers: 'nej|men|och|hm+|förlåt|ursäkta|tyvärr|jag tror att|tack|ok',
    no: 'nej|nä',
    thanks: 'tack|inga problem|det är (?:bra|allt|lugnt)|ingen fara',
    alone: 'fel|felaktigt|inte rätt|stämmer inte|inte korrekt|fortfarande fel|fel svar|inte bra',
    starts:
      '(?:det|detta|det där|svaret) (?:är|var|blev)(?: fortfarande| helt| tyvärr| bara){0,4} (?:fel|felaktigt|inte (?:rätt|korrekt|sant|bra|vad|det jag))|(?:det|detta)? ?stämmer (?:fortfarande |tyvärr )?inte|(?:det|detta|koden)? ?(?:fungerar|funkar|hjälper|kompilerar) (?:fortfarande |tyvärr )?inte|du (?:har (?:fel|missförstått|misstagit dig|glömt)|missförstod|förstod inte|missade|glömde)|försök igen|prova igen|fortfarande (?:inte|fel|samma)|ditt svar är|jag frågade inte',
  },
  da: {
    openers: 'nej|men|og|hm+|undskyld|desværre|jeg tror at|tak|ok',
    no: 'nej|næ',
    thanks: 'tak|intet problem|det er (?:fint|alt|ok)|bare i orden',
    alone: 'forkert|ikke rigtigt|ikke korrekt|passer ikke|stadig forkert|forkert svar|fejl',
    starts:
      '(?:det|dette|svaret) (?:er|var)(?: stadig| helt| desværre| bare){0,4} (?:forkert|ikke (?:rigtigt|korrekt|sandt|godt|hvad|det jeg))|(?:det|dette)? ?passer (?:stadig |desværre )?ikke|(?:det|dette|koden)? ?(?:virker|fungerer|hjælper|kompilerer) (?:stadig |desværre )?ikke|du (?:tager fejl|har (?:misforstået|taget fejl|glemt)|misforstod|forstod ikke|glemte)|prøv (?:igen|en gang til)|stadig (?:ikke|forkert|samme)|dit svar er|jeg spurgte ikke',
  },
  no: {
    openers: 'nei|men|og|hm+|beklager|unnskyld|dessverre|jeg tror at|takk|ok',
    no: 'nei|næ',
    thanks: 'takk|ikke noe problem|det er (?:bra|alt|greit)|null problem',
    alone: 'feil|galt|ikke riktig|ikke korrekt|stemmer ikke|fortsatt feil|feil svar',
    starts:
      '(?:det|dette|svaret) (?:er|var|ble)(?: fortsatt| fremdeles| helt| dessverre| bare){0,4} (?:feil|galt|ikke (?:riktig|rett|korrekt|sant|bra|hva|det jeg))|(?:det|dette)? ?stemmer (?:fortsatt |dessverre )?ikke|(?:det|dette|koden)? ?(?:virker|fungerer|funker|hjelper|kompilerer) (?:fortsatt |fremdeles |dessverre )?ikke|du (?:tar feil|har (?:misforstått|tatt feil|glemt)|misforsto|forsto ikke|glemte)|prøv (?:igjen|en gang til|på nytt)|(?:fortsatt|fremdeles) (?:ikke|feil|samme)|svaret ditt er|jeg spurte ikke',
  },
  fi: {
    openers: 'mutta|ja|hm+|anteeksi|valitettavasti|luulen että|kiitos|ok',
    no: 'ei',
    thanks: 'kiitos|kiitti|se riittää|hätää|haittaa|tarvitse',
    alone: 'väärin|väärä vastaus|virheellinen|ei pidä paikkaansa|ei ole oikein|edelleen väärin|pieleen meni',
    starts:
      '(?:tuo|se|tämä|vastaus|vastauksesi) (?:on|oli)(?: edelleen| vieläkin| täysin| ihan){0,4} (?:väärin|väärä|virheellinen)|(?:tuo|se|tämä|koodi|vastaus)? ?ei (?:ole (?:oikein|totta|se mitä)|pidä paikkaansa|toimi|käänny|auta|auttanut|onnistu|vieläkään|edelleenkään)|(?:olet väärässä|erehdyit|ymmärsit (?:minut )?väärin|et ymmärtänyt|et vastannut|unohdit)|(?:yritä|kokeile) uudelleen|(?:yritä|kokeile) uudestaan|(?:edelleen|vieläkin) (?:sama|väärin)|en (?:kysynyt|tarkoittanut) (?:tuota|sitä)',
  },
  pl: {
    openers: 'ale|i|hm+|przepraszam|niestety|myślę że|chyba|dzięki|dziękuję|ok',
    no: 'nie',
    thanks: 'dziękuję|dzięki|ma problemu|ma sprawy|to wszystko|trzeba|szkodzi',
    alone:
      'źle|błędnie|błąd|nieprawda|niepoprawnie|nieprawidłowo|nie zgadza się|zła odpowiedź|błędna odpowiedź|dalej źle|nadal źle',
    starts:
      '(?:to|ta odpowiedź|twoja odpowiedź|odpowiedź)(?: jest)?(?: nadal| wciąż| dalej| całkowicie){0,4} (?:źle|błędn[ea]|błąd|nieprawda|niepoprawn[ea]|nieprawidłow[ea])|(?:to|kod)? ?(?:nadal |wciąż |dalej |niestety ){0,4}nie (?:jest (?:prawda|poprawne|dobrze|to,? (?:o co|co))|działa|zadziałało|kompiluje|pomaga|pomogło|zgadza się|o to|to miałem|tego)|(?:mylisz się|pomyliłeś się|źle (?:mnie )?zrozumiał\\S*|nie zrozumiał\\S*|nie odpowiedział\\S*|zapomniał\\S*|masz błąd)|spróbuj (?:ponownie|jeszcze raz|znowu)|(?:nadal|wciąż|dalej) (?:nie|źle|ten sam|to samo)',
  },
  cs: {
    openers: 'ale|a|hm+|promiň|promiňte|bohužel|myslím že|díky|děkuji|ok',
    no: 'ne',
    thanks: 'děkuji|děkuju|díky|to je vše|to stačí|nevadí|není problém',
    alone: 'špatně|chybně|nesprávně|to není pravda|nesouhlasí|špatná odpověď|pořád špatně|stále špatně',
    starts:
      '(?:to|tohle|odpověď|tvoje odpověď|vaše odpověď)(?: je| bylo)?(?: pořád| stále| úplně| bohužel){0,4} (?:špatně|špatná|chybně|chybná|chyba|nesprávn[ěéá]|nepravda)|(?:to|tohle|ten kód|kód)? ?(?:pořád |stále |bohužel ){0,4}(?:není (?:pravda|správně|správné|dobře|to,? co|v pořádku)|nefunguje|nejde|nepomohlo|nepomáhá|nesedí|nesouhlasí)|(?:mýlíš se|mýlíte se|spletl\\S* (?:ses|jste se)|nepochopil\\S*|špatně (?:jsi|jste) (?:to |mě )?pochopil\\S*|zapomněl\\S*)|zkus(?:te)? to (?:znovu|ještě jednou)|(?:pořád|stále) (?:ne\\S*|špatně|stejn\\S*)',
  },
  ru: {
    openers: 'нет|но|а|и|хм+|эм|извини|извините|прости|увы|к сожалению|мне кажется|по-моему|думаю|спасибо|ок',
    no: 'нет|неа',
    thanks: 'спасибо|проблем|не надо|не нужно|всё хорошо|это всё|пожалуйста',
    alone:
      'неверно|неправильно|не верно|не правильно|ошибка|неправда|чушь|бред|не то|не так|всё равно неверно|опять неверно|плохо|не работает',
    starts:
      '(?:это|ответ|твой ответ|ваш ответ|так)(?: все еще| по-прежнему| опять| снова| совсем| совершенно){0,4} (?:неверно|неправильно|неверный|неправильный|ошибка|неправда|чушь|не (?:то|так|верно|правильно|правда|работает|помогло|помогает))|(?:все равно |все еще |по-прежнему |код |у меня |опять ){0,4}(?:не работает|не работают|не компилируется|не помогло|не помогает|не запускается|не сработало)|(?:ты|вы) (?:ошибся|ошиблась|ошиблись|ошибаешься|ошибаетесь|не понял\\S*|неправильно понял\\S*|неверно понял\\S*|не ответил\\S*|забыл\\S*|не прав\\S*)|(?:попробуй|попробуйте|давай|проверь) (?:еще раз|снова|заново)|(?:все еще|опять|снова) (?:не|та же|то же|неверно|неправильно|ошибка)|(?:та|такая) же ошибка|я (?:не об этом|не это|не про это) (?:спрашивал|спросил|просил)\\S*|не то,? что я',
  },
  uk: {
    openers: 'ні|але|а|і|та|хм+|вибач|вибачте|на жаль|мені здається|думаю|дякую|ок',
    no: 'ні',
    thanks: 'дякую|проблем|не треба|не потрібно|це все|все добре|будь ласка',
    alone: 'неправильно|невірно|не вірно|не правильно|помилка|неправда|не те|не так|знову неправильно|не працює',
    starts:
      '(?:це|відповідь|твоя відповідь|ваша відповідь)(?: все ще| досі| знову| зовсім){0,4} (?:неправильно|невірно|неправильна|невірна|помилка|неправда|не (?:те|так|вірно|правильно|правда|працює|допомогло))|(?:все одно |все ще |досі |код |у мене |знову ){0,4}(?:не працює|не працюють|не компілюється|не допомогло|не допомагає|не запускається|не спрацювало)|(?:ти|ви) (?:помилився|помилилась|помилилися|помиляєшся|помиляєтесь|не зрозумі\\S*|неправильно зрозумі\\S*|не відпові\\S*|забу\\S*)|(?:спробуй|спробуйте|перевір) (?:ще раз|знову)|(?:все ще|досі|знову) (?:не|та сама|те саме|неправильно|помилка)|та (?:сама|ж) помилка',
  },
  tr: {
    openers: 'hayır|ama|ve|hm+|pardon|üzgünüm|maalesef|bence|teşekkürler|sağ ol|tamam|ok',
    no: 'hayır|yok|olmaz',
    thanks: 'teşekkür|teşekkürler|sağ ?ol|sorun (?:değil|yok)|gerek yok|bu kadar|lütfen',
    alone: 'yanlış|hatalı|doğru değil|olmadı|çalışmıyor|çalışmadı|yine yanlış|hâlâ yanlış|yanlış cevap|saçma',
    starts:
      '(?:bu|o|cevap|cevabın|kod)(?: hala| yine| tamamen| maalesef){0,4} (?:yanlış|hatalı|doğru değil|çalışmıyor|çalışmadı|olmadı|işe yaramadı|istediğim(?: şey)? değil)|yanlış (?:anladın|anladınız|cevap|yaptın)|(?:tekrar|yeniden|bir daha) dene\\S*|hala (?:yanlış|çalışmıyor|olmuyor|aynı|hata)|(?:yanılıyorsun|yanıldın|yanılıyorsunuz|beni anlamadın|soruyu anlamadın)',
    ends: 'yanlış|hatalı|doğru değil|çalışmıyor|çalışmadı|işe yaramadı|yanlış oldu',
  },
  ar: {
    openers: 'لا(?= هذا)|لكن|ولكن|و|عذرا|آسف|للأسف|أعتقد أن|أظن أن|شكرا|حسنا',
    no: 'لا|كلا',
    thanks: 'شكرا|مشكلة|بأس|داعي|هذا كل|من فضلك',
    alone: 'خطأ|خاطئ|غلط|غير صحيح|ليس صحيحا|مش صحيح|إجابة خاطئة|هذا خطأ|لا يعمل',
    starts:
      '(?:هذا|هذه|ذلك|الجواب|الإجابة|إجابتك|جوابك)(?: ما زال| لا يزال| أيضا){0,4} (?:خطأ|خاطئ\\S*|غلط|غير صحيح\\S*|ليس صحيحا|ليس ما|ليست ما|لا يعمل|لم يعمل|لم ينجح|مش)|(?:ليس|هذا ليس) (?:صحيحا|ما (?:طلبت|أردت|قصدت|سألت)\\S*)|(?:ما زال|لا يزال|مازال) (?:لا|خطأ|غير|نفس)|لا (?:يعمل|تعمل|يشتغل)|لم (?:يعمل|ينجح|تفهم|تجب|يساعد)\\S*|ما (?:يشتغل|اشتغل|ينفع)|(?:أنت|انت) (?:مخطئ|غلطان|لم تفهم)|أخطأت|(?:حاول|جرب) (?:مرة أخرى|مجددا|ثانية)|فهمتني خطأ|أسأت (?:الفهم|فهم)',
  },
  he: {
    openers: 'אבל|ו|סליחה|לצערי|אני חושב ש|נראה לי ש|תודה|טוב',
    no: 'לא',
    thanks: 'תודה|נורא|צריך|בעיה|זה הכל|בבקשה',
    alone: 'טעות|שגוי|לא נכון|לא מדויק|לא עובד|תשובה שגויה|עדיין לא נכון|שטויות',
    starts:
      '(?:זה|זאת|זו|התשובה|התשובה שלך|הקוד)(?: עדיין| פשוט| לגמרי| ממש){0,4} (?:טעות|שגוי\\S*|לא (?:נכון\\S*|מדויק\\S*|עובד\\S*|עזר|מה ש|טוב|מתקמפל)|שטויות)|(?:עדיין|שוב) (?:לא|טעות|שגוי|אותה)|לא (?:עובד|נכון|הבנת|ענית|לזה התכוונתי|זה מה ש\\S*)|(?:אתה|את) (?:טועה|לא מבין|לא מבינה)|(?:טעית|שכחת)|(?:נסה|נסי|תנסה) (?:שוב|עוד פעם)',
  },
  hi: {
    openers: 'लेकिन|पर|और|माफ़ कीजिए|क्षमा करें|मुझे लगता है|धन्यवाद|शुक्रिया|ठीक है',
    no: 'नहीं|ना',
    thanks: 'धन्यवाद|शुक्रिया|कोई बात|कोई समस्या|बस|कृपया|ज़रूरत',
    alone: 'गलत|ग़लत|गलत जवाब|सही नहीं|ये गलत है|काम नहीं करता|खराब जवाब|ख़राब जवाब',
    starts:
      '(?:यह|ये|वह|आपका जवाब|जवाब|उत्तर)(?: अभी भी| अब भी| बिल्कुल| तो){0,4} (?:गलत|सही नहीं|ठीक नहीं|काम नहीं)|(?:फिर से|दोबारा|दुबारा) (?:कोशिश|प्रयास|देख)\\S*|(?:अभी भी|अब भी) (?:गलत|नहीं|वही|काम नहीं)|(?:आप|आपने|तुमने) (?:गलत|ग़लत|नहीं समझ\\S*|गलत समझ\\S*)',
    ends: '(?:गलत|सही नहीं|ठीक नहीं|सच नहीं) (?:है|था|हैं)|काम नहीं (?:कर रहा|कर रही|करता|करती|किया|कर रहा है|करता है)(?: है)?|नहीं (?:चला|चल रहा|चल रहा है|हुआ)',
  },
  zh: {
    openers: '但是?|可是|不过|呃|嗯+|抱歉|对不起|谢谢|感谢|我觉得|我认为|好吧|好的',
    no: '不|不是|不对',
    thanks: '谢谢|用了|客气|需要|用谢|必|没关系|请',
    alone:
      '错|错了|不对|不正确|不行|有误|胡说|错误|答错了|还是不对|还是不行|不是的?|不是这样的?|不是这个|还是错的?|没用|不好',
    starts:
      '(?:这|这个|那|那个|你的?)?(?:答案|回答|结果|代码|说法|解释|做法)?(?:还是|仍然|依然|好像|似乎|并|是|完全|都|根本){0,4}(?:不对(?!称)|不正确|错了|错的|有误|不是我(?:想|要|问|说)|运行不了|跑不通|不管用|不能用|不起作用|没有?用$|没有?回答|没有?解决|答非所问)|(?:还是|仍然|依然)(?:不行|不对|报错|错|没用|一样|有(?:错|问题)|失败)|你(?:理解错|弄错|搞错|误解|没(?:有)?(?:理解|回答|看|明白|听懂)|忘了|漏了|答错|算错|错)|(?:请|麻烦)?(?:再试(?:一次|一遍|试)|重新(?:来|做|回答|检查|试)|重试)|我(?:不是问|问的不是|说的不是|没有?问|没有?让你)',
    ends: '不对|不正确|错了|是错的|不行|不管用|不起作用|运行不了',
  },
  ja: {
    openers:
      'でも|しかし|ただ|うーん|ええと|えっと|すみません(?:が)?|申し訳ないですが|残念ながら|ありがとう(?:ございます)?',
    no: 'いいえ|いや|いえ|違う|ちがう',
    thanks: 'ありがとう|大丈夫|結構|問題ない|問題ありません|お願い',
    alone:
      '違う|違います|ちがう|ちがいます|間違い|間違いです|間違ってる|間違っています|不正解|だめ|ダメ|ダメです|動きません|動かない',
    starts:
      '(?:それは|これは|その答えは|答えは|その回答は|回答は|まだ|やっぱり|全然|全く){1,3}(?:違う|違います|間違って|間違い|正しくな|正しくあり|動かない|動きません|エラー|ダメ|だめ|うまくい[かき]|おかしい)|もう一(?:度|回)(?:やって|試して|考えて|お願い|確認|やり直)|やり直し|(?:質問|意味)を(?:理解して(?:い)?ない|誤解して|勘違い)|誤解して|勘違いして|そうじゃな(?:い|く)|そうではな(?:い|く)|聞いて(?:い)?ない',
    ends: '(?:違う|違います|間違って(?:い)?ます|間違って(?:い)?る|間違いです|正しくない(?:です)?|正しくありません|動きません(?:でした)?|動かない(?:です)?|うまくいきません(?:でした)?|うまくいかない(?:です)?|エラーが出ます|エラーになります|直っていません|直ってない)(?:よ|ね|が|けど)?',
  },
  ko: {
    openers: '하지만|그런데|근데|음+|죄송하지만|죄송합니다|미안하지만|안타깝게도|감사합니다|고마워요?|제 생각에는?',
    no: '아니요?|아니야|아뇨|아닙니다|아니에요',
    thanks: '감사|고마|괜찮|됐어|됐습니다|필요 ?없|부탁',
    alone:
      '틀렸어요?|틀렸습니다|틀려요?|틀림|오답|아니에요|아닙니다|안 ?돼요?|안 ?됩니다|잘못됐어요?|잘못되었습니다|맞지 않아요?|작동 ?안 ?해요?',
    starts:
      '(?:그건|이건|그거|이거|답이|답변이|여전히|아직도?|계속|또) ?(?:틀렸|틀려|틀린|잘못|아니|안 ?돼|안 ?됩|작동하지|맞지|오류|에러|같은 (?:오류|에러))\\S*|다시 (?:해|시도|확인|생각)\\S*|(?:질문을|제 말을|내 말을) (?:잘못|이해하지|오해)\\S*|잘못 이해\\S*|그게 아니\\S*|그 ?말이 아니\\S*',
    ends: '(?:틀렸|잘못됐|잘못되었|맞지 않|정확하지 않|작동하지 않|작동이 안 ?돼|작동 ?안 ?(?:해|돼)|(?<!이해가 )안 ?(?:돼|되네|됩니다)|아니잖아|동작하지 않)(?:아요?|어요?|습니다|네요?|요)?',
  },
  vi: {
    openers: 'nhưng|và|ừm+|xin lỗi|tiếc là|tôi nghĩ|mình nghĩ|cảm ơn|ok',
    no: 'không',
    thanks: 'cảm ơn|sao|có gì|cần|vấn đề|thế thôi|làm ơn',
    alone: 'sai|sai rồi(?: bạn)?|không đúng|chưa đúng|không phải|vẫn sai|câu trả lời sai|không được|không chạy',
    starts:
      '(?:cái này|điều đó|cái đó|đó|câu trả lời|kết quả|code|nó)(?: này| của bạn)?(?: vẫn| bị| là| hoàn toàn){0,4} (?:sai|không (?:đúng|chính xác|chạy|hoạt động|phải)|chưa đúng)|(?:vẫn|vẫn còn) (?:sai|không|chưa|bị|lỗi)|(?:không|chưa) (?:đúng|chính xác|hoạt động|chạy được|phải (?:vậy|thế|cái))|bạn (?:sai|nhầm|hiểu (?:sai|nhầm)|đã (?:sai|nhầm|hiểu)|không hiểu|chưa (?:trả lời|hiểu)|quên)|(?:hãy )?thử lại|làm lại|tôi không hỏi',
  },
  id: {
    openers: 'tapi|tetapi|dan|hm+|maaf|sayangnya|menurut saya|saya rasa|terima kasih|makasih|ok',
    no: 'tidak|bukan|nggak|enggak|gak',
    thanks: 'terima kasih|makasih|masalah|apa-apa|perlu|itu saja|tolong',
    alone: 'salah|keliru|tidak benar|tidak betul|nggak bener|masih salah|jawaban salah|bukan itu|tidak berhasil',
    starts:
      '(?:itu|ini|jawabannya|jawabanmu|jawaban anda|hasilnya|kodenya)(?: masih| tetap| juga| sepertinya){0,4} (?:salah|keliru|tidak (?:benar|betul|tepat|berfungsi|berhasil|jalan|bekerja)|bukan (?:itu|yang)|nggak (?:jalan|bener|bisa))|(?:masih|tetap) (?:salah|tidak|error|gagal|nggak|gak|belum)|(?:tidak|nggak|gak) (?:berfungsi|berhasil|bekerja|jalan|sesuai)|(?:kamu|anda) (?:salah|keliru|tidak (?:mengerti|paham|menjawab)|lupa)|coba (?:lagi|ulangi|sekali lagi)|bukan (?:itu|begitu) (?:yang|maksud)|saya tidak (?:bertanya|meminta)',
  },
  el: {
    openers: 'όχι|αλλά|μα|και|χμ+|συγγνώμη|δυστυχώς|νομίζω ότι|πιστεύω ότι|ευχαριστώ|οκ',
    no: 'όχι',
    thanks: 'ευχαριστώ|πειράζει|πρόβλημα|χρειάζεται|αυτά|παρακαλώ',
    alone: 'λάθος|λανθασμένο|δεν είναι σωστό|δεν ισχύει|ανακριβές|πάλι λάθος|λάθος απάντηση|δεν δουλεύει',
    starts:
      '(?:αυτό|η απάντηση|η απάντησή σου)? ?(?:είναι|ήταν)(?: ακόμα| ακόμη| πάλι| εντελώς){0,4} (?:λάθος|λανθασμένο|λανθασμένη|ανακριβές)|(?:αυτό |ο κώδικας |ακόμα |ακόμη |πάλι ){0,4}δεν (?:είναι (?:σωστό|αλήθεια|αυτό|σωστή|έτσι)|δουλεύει|λειτουργεί|ισχύει|βοηθάει|βοήθησε|κατάλαβες|απάντησες)|(?:κάνεις λάθος|έκανες λάθος|κάνετε λάθος|με παρεξήγησες|ξέχασες|κατάλαβες λάθος)|(?:προσπάθησε|δοκίμασε|προσπαθήστε) (?:ξανά|πάλι)|δεν (?:ρώτησα|εννοούσα|ζήτησα) (?:αυτό|κάτι)',
  },
  ro: {
    openers: 'dar|și|hm+|scuze|îmi pare rău|din păcate|cred că|mulțumesc|mersi|ok',
    no: 'nu',
    thanks: 'mulțumesc|mersi|problem|e nevoie|face nimic|atât|te rog',
    alone: 'greșit|incorect|fals|eronat|nu e corect|nu este corect|nu e adevărat|răspuns greșit|tot greșit|nu merge',
    starts:
      '(?:asta|acesta|aceasta|răspunsul|răspunsul tău)? ?(?:e|este|era)(?: tot| încă| complet| în continuare){0,4} (?:greșit|incorect|fals|eronat)|(?:asta |codul |tot |încă |în continuare ){0,4}nu (?:e (?:corect|adevărat|bine|ce)|este (?:corect|adevărat|bine|ceea)|merge|funcționează|compilează|ajută|mă ajută|asta)|(?:te înșeli|ai greșit|ai înțeles greșit|nu ai înțeles|n-ai înțeles|nu ai răspuns|ai uitat)|(?:încearcă|mai încearcă|încercați) (?:din nou|iar|o dată)|nu am (?:întrebat|cerut|spus) asta',
  },
  hu: {
    openers: 'de|és|hm+|bocs|bocsánat|sajnálom|sajnos|szerintem|azt hiszem|köszi|köszönöm|ok',
    no: 'nem|ne',
    thanks: 'köszönöm|köszi|probléma|baj|ennyi|kell|kérlek',
    alone:
      'rossz|téves|hibás|helytelen|nem jó|nem igaz|nem helyes|nem stimmel|rossz válasz|még mindig rossz|nem működik',
    starts:
      '(?:ez|az|a válasz|a válaszod|a kód)(?: még mindig| is| teljesen| sajnos){0,4} (?:rossz|téves|hibás|helytelen|nem (?:jó|igaz|helyes|működik|az|fut|segít|stimmel|fordul))|(?:még mindig |sajnos |így ){0,4}nem (?:működik|jó|helyes|stimmel|fut le|ezt (?:kérdeztem|kértem)|értetted|válaszoltál|segített)|(?:tévedsz|téved|félreértett\\S*|rosszul értett\\S*|elfelejtett\\S*|hibáztál)|(?:próbáld|próbálja) (?:újra|meg újra|még egyszer)|még mindig (?:nem|rossz|ugyanaz)',
  },
};

/** Which languages are written in what, as `scriptsOf` tells scripts apart. Those with Chinese characters are one. */
export const LANGUAGES = {
  latin: ['en', 'de', 'fr', 'es', 'pt', 'it', 'nl', 'sv', 'da', 'no', 'fi', 'pl', 'cs', 'tr', 'vi', 'id', 'ro', 'hu'],
  greek: ['el'],
  cyrillic: ['ru', 'uk'],
  hebrew: ['he'],
  arabic: ['ar'],
  devanagari: ['hi'],
  chinese: ['zh', 'ja'],
  korean: ['ko'],
} as const;
