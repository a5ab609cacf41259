/** Tells what programs print when they fail from prose about errors. */

/** Whatever shows an error has one of these somewhere: most messages are done with here. */
const HINT =
  /rror|ERR|xception|raceback|panic|ail|FAIL|atal|fault|not found|denied|such file|undefined ref|:\d+:|\.\w+:\d+|SQLSTATE|ORA-|\*\*\*|Rejection|recognized/;

/** By line, as the tools print them. */
const LINES: readonly RegExp[] = [
  // Python, and whatever prints the class of an error in front: `KeyError: 'x'`, `java.lang.IllegalStateException: …`.
  /^\s*Traceback \(most recent call last\)/,
  /^\s*File "[^"]+", line \d+/,
  /^\s*(?:\[\w+\] |E\s+|> |Uncaught (?:\(in promise\) )?|Unhandled |Caused by: |fatal: )?(?:[\w$]+[.:/\\]+)*[A-Z]\w*(?:Error|Exception|Exit|Interrupt)(?: \[\w+\])?(?::\s*\S|$)/,
  /^\s*Uncaught (?:\w+Error|\(in promise\)|Exception)/,
  // Node and browsers.
  /^\s*at .+(?:\(|\s)\S+:\d+:\d+\)?\s*$/,
  /^\s*(?:npm (?:ERR!|error)|yarn error|pnpm ERR|ERR_\w+|Error: (?:Cannot|listen|connect|ENOENT|E[A-Z]{4,})|error Command failed)/,
  /UnhandledPromiseRejection|\bECONNREFUSED\b|\bENOENT: |\bEADDRINUSE\b/,
  // Java, Kotlin, C#.
  /^\s*(?:Exception in thread "|Unhandled [Ee]xception)/,
  /^\s*at [\w.$<>/]+\([^()]*\.(?:java|kt|scala|groovy):\d+\)/,
  /^\s*at .+ in .+:line \d+/,
  /\berror (?:CS|TS|MSB|NU|BC|FS|LNK|NETSDK|C)\d{4}\b/,
  // Go, Rust, Swift.
  /^\s*(?:panic: |goroutine \d+ \[|fatal error: )/,
  /^\s*(?:\.\/|\/|\w+\/)?[\w./\\-]+\.go:\d+(?::\d+)?: /,
  /^\s*error(?:\[E\d{4}\])?: \S/,
  /^\s*thread '[^']*'.* panicked at/,
  /^\s*-->\s+\S+:\d+:\d+/,
  // C, C++ and others that name a file and a line.
  /^\s*(?:[\w./\\-]|[A-Z]:)[\w./\\ +-]*[:(]\d+(?:[:,]\d+)?\)?:? (?:fatal |syntax |internal compiler )?error\b/i,
  /undefined reference to [`']|\bcollect2: error|\bld(?:\.lld)?: |Undefined symbols for architecture/,
  /^\s*(?:Segmentation fault|Bus error|Aborted|Killed)\b|\(core dumped\)|AddressSanitizer/,
  // Ruby, PHP, Perl.
  /\.rb:\d+:in [`']/,
  /^\s*(?:PHP )?(?:Fatal|Parse) error: /,
  /(?:Warning|Notice|Deprecated): .+ in .+ on line \d+/,
  /^\s*#\d+ .+\(\d+\): /,
  / at \S+\.p[lm] line \d+/,
  // Shells and their tools.
  /^\s*[\w./-]+:(?: line \d+:)? .*(?:command not found|No such file or directory|Permission denied|cannot access|not found$)/,
  /is not recognized as (?:an internal or external command|the name of a cmdlet)/,
  /^\s*(?:fatal|E): \S/,
  /^\s*make(?:\[\d+\])?: \*\*\* /,
  // Databases.
  /^\s*(?:ERROR|FATAL):\s+\S/,
  /\bERROR \d{4} \(|SQLSTATE\[|\bORA-\d{5}|syntax error at or near "|You have an error in your SQL syntax|^\s*Msg \d+, Level \d+/,
  // Builds and tests.
  /^\s*(?:BUILD FAILED|FAILURE: Build failed|\[ERROR\]|ERROR in |Failed to compile|Module not found: )/,
  /^\s*(?:--- FAIL: |FAIL\s+\S+|FAILED\s+\S+|✕ |✗ |● .+ › |\d+ (?:tests? )?failed\b|=+ FAILURES =+|Tests:\s+\d+ failed)/,
  /^\s*(?:Expected|expected)\b.*\b(?:Received|received|but (?:got|was))\b|^\s*assertion .*failed/,
  /\bHTTP\/\d(?:\.\d)? [45]\d\d\b|^\s*(?:HTTP )?(?:4\d\d|5\d\d) (?:Bad Request|Unauthorized|Forbidden|Not Found|Internal Server Error|Bad Gateway)\b/,
];

const MOST_LINES = 80;

export function showsError(text: string): boolean {
  if (!HINT.test(text)) return false;
  const lines = text.split('\n', MOST_LINES);
  return lines.some((line) => HINT.test(line) && LINES.some((pattern) => pattern.test(line)));
}
