/** Tells what programs print when they fail from prose about errors. */

/** A line that shows an error has one of these: most lines have none, and are done with here. */
const HINT =
  /rror|ERR|xception|raceback|panic|FAIL|ailed|atal|ault|\*\*\*|ejection|not found|denied|such file|ndefined|recogniz|:\d+:|SQLSTATE|ORA-|Msg |ECONN|on line|dumped|HTTP/;

/** As the tools print them, line by line. */
const PATTERNS: readonly RegExp[] = [
  // Python, and whatever prints the class of an error in front: `KeyError: 'x'`, `java.lang.IllegalStateException: …`.
  /^Traceback \(most recent call last\)/,
  /^File "[^"]+", line \d+/,
  /^(?:\[\w+\] |E\s+|> |Uncaught (?:\(in promise\) )?|Unhandled |Caused by: |fatal: )?(?:[\w$]+[.:/\\]+)*[A-Z]\w*(?:Error|Exception|Exit|Interrupt)(?: \[\w+\])?(?::\s*\S|$)/,
  /^Uncaught (?:\w+Error|\(in promise\)|Exception)/,
  // Node and browsers.
  /^at .+[(\s][^\s(]+:\d+:\d+\)?\s*$/,
  /^(?:npm (?:ERR!|error)|yarn error|pnpm ERR|ERR_\w+|Error: (?:Cannot|listen|connect|ENOENT|E[A-Z]{4,})|error Command failed)/,
  /UnhandledPromiseRejection|\bECONNREFUSED\b|\bENOENT: |\bEADDRINUSE\b/,
  // Java, Kotlin, C#.
  /^(?:Exception in thread "|Unhandled [Ee]xception)/,
  /^at [\w.$<>/]+\([^()]*\.(?:java|kt|scala|groovy):\d+\)/,
  /^at .+ in .+:line \d+/,
  /\berror (?:CS|TS|MSB|NU|BC|FS|LNK|NETSDK|C)\d{4}\b/,
  // Go, Rust, Swift.
  /^(?:panic: |goroutine \d+ \[|fatal error: )/,
  /^(?:\.\/|\/|\w+\/)?[\w./\\-]+\.go:\d+(?::\d+)?: /,
  /^error(?:\[E\d{4}\])?: \S/,
  /^thread '[^']*'.* panicked at/,
  /^-->\s+\S+:\d+:\d+/,
  // C, C++ and others that name a file and a line.
  /^(?:[\w./\\-]|[A-Z]:)[\w./\\ +-]*[:(]\d+(?:[:,]\d+)?\)?:? (?:fatal |syntax |internal compiler )?[Ee]rror\b/,
  /undefined reference to [`']|\bcollect2: error|\bld(?:\.lld)?: |Undefined symbols for architecture/,
  /^(?:Segmentation fault|Bus error|Aborted|Killed)\b|\(core dumped\)|AddressSanitizer/,
  // Ruby, PHP, Perl.
  /\.rb:\d+:in [`']/,
  /^(?:PHP )?(?:Fatal|Parse) error: /,
  /(?:Warning|Notice|Deprecated): .+ in .+ on line \d+/,
  /^#\d+ .+\(\d+\): /,
  / at \S+\.p[lm] line \d+/,
  // Shells and their tools.
  /^[\w./-]+:(?: line \d+:)? .*(?:command not found|No such file or directory|Permission denied|cannot access|not found$)/,
  /is not recognized as (?:an internal or external command|the name of a cmdlet)/,
  /^(?:fatal|E): \S/,
  /^make(?:\[\d+\])?: \*\*\* /,
  // Databases.
  /^(?:ERROR|FATAL):\s+\S/,
  /\bERROR \d{4} \(|SQLSTATE\[|\bORA-\d{5}|syntax error at or near "|You have an error in your SQL syntax|^Msg \d+, Level \d+/,
  // Builds and tests.
  /^(?:BUILD FAILED|FAILURE: Build failed|\[ERROR\]|ERROR in |Failed to compile|Module not found: )/,
  /^(?:--- FAIL: |FAIL\s+\S+|FAILED\s+\S+|✕ |✗ |● .+ › |\d+ (?:tests? )?failed\b|=+ FAILURES =+|Tests:\s+\d+ failed)/,
  /^(?:Expected|expected)\b.*\b(?:Received|received|but (?:got|was))\b|^assertion .*failed/,
  /\bHTTP\/\d(?:\.\d)? [45]\d\d\b|^(?:HTTP )?(?:4\d\d|5\d\d) (?:Bad Request|Unauthorized|Forbidden|Not Found|Internal Server Error|Bad Gateway)\b/,
];

const alternation = (sources: readonly string[]): RegExp => new RegExp(sources.join('|'));
const sources = PATTERNS.map(({ source }) => source);
const BEGINNING = alternation(sources.filter((source) => source.startsWith('^')));
const ANYWHERE = alternation(sources.filter((source) => !source.startsWith('^')));

const MOST_LINES = 80;
const LONGEST_LINE = 240;

export function showsError(text: string): boolean {
  return text.split('\n', MOST_LINES).some((whole) => {
    const line = whole.slice(0, LONGEST_LINE).trimStart();
    return HINT.test(line) && (BEGINNING.test(line) || ANYWHERE.test(line));
  });
}
