"""For each shipped pattern rule and language: code that has the pattern, and code that nearly has it."""

Samples = dict[tuple[str, str], tuple[str, str]]

JS_CLASS = "class A { static make() { return new A(); } }"

DESIGN: Samples = {
    ("singleton", "python"): (
        "class A:\n    _instance = None\n    def __new__(cls):\n        return cls._instance\n",
        "class A:\n    def __new__(cls):\n        return object.__new__(cls)\n",
    ),
    ("singleton", "javascript"): ("class A { static getInstance() { return A.it; } }", JS_CLASS),
    ("singleton", "typescript"): ("class A { public static getInstance(): A { return A.it; } }", JS_CLASS),
    ("singleton", "java"): (
        "class A { public static A getInstance() { return it; } }",
        "class A { public A getInstance() { return it; } }",
    ),
    ("singleton", "go"): (
        "package a\nfunc f() { once.Do(func() { it = 1 }) }",
        "package a\nfunc f() { client.Do(request) }",
    ),
    ("factory", "python"): (
        "def make_parser(x):\n    return Parser(x)\n",
        "def make_noise(x):\n    print(x)\n",
    ),
    ("factory", "javascript"): (
        "function createParser(x) { return new Parser(x); }",
        "function created(x) { return x; }",
    ),
    ("factory", "typescript"): (
        "function buildIt(x: X): P { return new P(x); }",
        "function building(): P { return p; }",
    ),
    ("factory", "java"): (
        "class A { static A of(int x) { return new A(x); } }",
        "class A { A of(int x) { return new A(x); } }",
    ),
    ("factory", "go"): (
        "package a\nfunc NewA() *A { return &A{} }",
        "package a\nfunc renewA() *A { return it }",
    ),
    ("builder", "python"): ("class QueryBuilder:\n    pass\n", "class Builders:\n    pass\n"),
    ("builder", "javascript"): ("class QueryBuilder {}", "class Builders {}"),
    ("builder", "typescript"): ("class QueryBuilder {}", "class Builders {}"),
    ("builder", "java"): (
        "class A { A a = A.builder().name(1).build(); }",
        "class A { A a = project.build(); }",
    ),
    ("builder", "go"): ("package a\ntype QueryBuilder struct{}", "package a\ntype Builders struct{}"),
    ("observer", "python"): (
        "class A:\n    def subscribe(self, f): ...\n    def notify(self): ...\n",
        "class A:\n    def subscribe(self, f): ...\n    def read(self): ...\n",
    ),
    ("observer", "javascript"): ("socket.on('data', read);", "switches.on(3);"),
    ("observer", "typescript"): ("class A extends EventEmitter {}", "class A extends Emission {}"),
    ("observer", "java"): (
        "class A { void addClickListener(L l) { ls.add(l); } }",
        "class A { void listen(L l) { ls.add(l); } }",
    ),
    ("observer", "go"): ("package a\nfunc (b *B) Subscribe(f F) {}", "package a\nfunc Subscription() {}"),
    ("registry", "python"): ("HANDLERS = {'a': f}\n", "ages = {'a': 1}\n"),
    ("registry", "javascript"): ("const handlers = { a: f };", "const ages = { a: 1 };"),
    ("registry", "typescript"): (
        "const plugins = new Map<string, P>();",
        "const ages = new Map<string, number>();",
    ),
    ("registry", "java"): (
        "class A { Map<String, Handler> handlers = new HashMap<>(); }",
        "class A { Map<String, Integer> ages = new HashMap<>(); }",
    ),
    ("registry", "go"): (
        'package a\nvar h = map[string]func(){"a": f}',
        'package a\nvar h = map[string]int{"a": 1}',
    ),
    ("dependency-injection", "python"): ("def f(db=Depends(get_db)): ...\n", "depends(get_db)\n"),
    ("dependency-injection", "typescript"): (
        "class A { constructor(private readonly db: Db) {} }",
        "class A { constructor(db: Db) {} }",
    ),
    ("dependency-injection", "java"): ("class A { @Inject Db db; }", "class A { @Injected Db db; }"),
    ("context-manager", "python"): (
        "class A:\n    def __enter__(self): ...\n    def __exit__(self, *a): ...\n",
        "class A:\n    def __enter__(self): ...\n",
    ),
    ("context-manager", "java"): ("class A implements AutoCloseable {}", "class A implements Runnable {}"),
    ("decorator", "python"): (
        "def d(f):\n    @functools.wraps(f)\n    def g(): ...\n    return g\n",
        "@cache\ndef f(): ...\n",
    ),
    ("decorator", "typescript"): ("@Component({}) class A {}", "class A { email = 'a@b'; }"),
    ("record", "python"): (
        "@dataclass(frozen=True)\nclass A:\n    x: int\n",
        "@dataclasses_json\nclass A: ...\n",
    ),
    ("record", "java"): ("record P(int x, int y) {}", "class P { int x; }"),
    ("record", "typescript"): ("interface P { x: number; }", "interface P { x(): number; }"),
}

ERRORS: Samples = {
    ("custom-exception", "python"): ("class Bad(ValueError): ...\n", "class Bad(Badge): ...\n"),
    ("custom-exception", "javascript"): ("class Bad extends Error {}", "class Bad extends Badge {}"),
    ("custom-exception", "typescript"): ("class Bad extends TypeError {}", "class Bad extends Badge {}"),
    ("custom-exception", "java"): ("class Bad extends RuntimeException {}", "class Bad extends Badge {}"),
    ("custom-exception", "go"): (
        'package a\nfunc (b Bad) Error() string { return "" }',
        'package a\nfunc (b Bad) String() string { return "" }',
    ),
    ("retry-with-backoff", "python"): (
        "for n in range(3):\n    try:\n        f()\n    except OSError:\n        time.sleep(n)\n",
        "for n in range(3):\n    time.sleep(n)\n",
    ),
    ("retry-with-backoff", "javascript"): (
        "async function f() { for (;;) { try { return g(); } catch (e) { await sleep(1); } } }",
        "async function f() { for (;;) { await sleep(1); } }",
    ),
    ("retry-with-backoff", "typescript"): (
        "async function f() { while (true) { try { return g(); } catch (e) { await delay(1); } } }",
        "async function f() { while (true) { await delay(1); } }",
    ),
    ("retry-with-backoff", "java"): (
        "class A { void f() { while (true) { try { g(); } catch (E e) { Thread.sleep(1); } } } }",
        "class A { void f() { while (true) { Thread.sleep(1); } } }",
    ),
    ("retry-with-backoff", "go"): (
        "package a\nfunc f() { for { err := g(); if err == nil { return }; time.Sleep(1) } }",
        "package a\nfunc f() { for { tick(); time.Sleep(1) } }",
    ),
    ("retry-with-backoff", "shell"): (
        "while ! ping host && true; do\n  sleep 1\ndone\n",
        "for n in 1 2; do\n  sleep 1\ndone\n",
    ),
    ("broad-catch", "python"): (
        "try:\n    f()\nexcept Exception as error:\n    log(error)\n",
        "try:\n    f()\nexcept ExceptionGroup:\n    g()\n",
    ),
    ("broad-catch", "java"): (
        "class A { void f() { try { g(); } catch (Exception e) { h(e); } } }",
        "class A { void f() { try { g(); } catch (IOException e) { h(e); } } }",
    ),
    ("broad-catch", "go"): (
        "package a\nfunc f() { defer func() { recover() }() }",
        "package a\nfunc f() { it.recover(1) }",
    ),
    ("swallowed-error", "python"): (
        "try:\n    f()\nexcept OSError:\n    pass\n",
        "try:\n    f()\nexcept OSError:\n    log()\n    pass_on = 1\n",
    ),
    ("swallowed-error", "javascript"): ("try { f(); } catch (e) { }", "try { f(); } catch (e) { log(e); }"),
    ("swallowed-error", "typescript"): (
        "try { f(); } catch { /**/ }".replace("/**/", "// never mind\n"),
        "try { f(); } catch { g(); }",
    ),
    ("swallowed-error", "java"): (
        "class A { void f() { try { g(); } catch (E e) { } } }",
        "class A { void f() { try { g(); } catch (E e) { h(e); } } }",
    ),
    ("swallowed-error", "go"): (
        "package a\nfunc f() { _ = os.Remove(x) }",
        "package a\nfunc f() { _, ok = m[x] }",
    ),
    ("swallowed-error", "shell"): ("rm x || true\n", "rm x || echo gone\n"),
    ("error-wrapping", "python"): (
        "try:\n    f()\nexcept KeyError as e:\n    raise Bad() from e\n",
        "try:\n    f()\nexcept KeyError:\n    raise Bad() from None\n",
    ),
    ("error-wrapping", "javascript"): ("throw new Error('x', { cause: e });", "throw new Error('because');"),
    ("error-wrapping", "typescript"): ("throw new Bad('x', { cause });", "throw new Bad('x');"),
    ("error-wrapping", "java"): (
        'class A { void f() { try { g(); } catch (IOException e) { throw new Bad("x", e); } } }',
        'class A { void f() { try { g(); } catch (IOException e) { throw new Bad("x"); } } }',
    ),
    ("error-wrapping", "go"): (
        'package a\nfunc f() error { return fmt.Errorf("x: %w", err) }',
        'package a\nfunc f() error { return fmt.Errorf("x: %v", err) }',
    ),
    ("guard-clause", "python"): (
        "def f(x):\n    if not x:\n        return None\n    return g(x)\n",
        "def f(x):\n    if not x:\n        y = 1\n    else:\n        return 2\n",
    ),
    ("guard-clause", "javascript"): (
        "function f(x) { if (!x) return; g(x); }",
        "function f(x) { if (!x) { g(); } else { h(); } }",
    ),
    ("guard-clause", "typescript"): (
        "function f(x: X) { if (!x) { throw new E(); } g(x); }",
        "function f(x: X) { if (!x) { g(); } }",
    ),
    ("guard-clause", "java"): (
        "class A { int f(int x) { if (x < 0) { return 0; } return g(x); } }",
        "class A { int f(int x) { if (x < 0) { return 0; } else { return g(x); } } }",
    ),
    ("guard-clause", "go"): (
        "package a\nfunc f(x int) int { if x < 0 { return 0 }; return g(x) }",
        "package a\nfunc f(x int) int { if x < 0 { g() } else { return 2 }; return 3 }",
    ),
    ("guard-clause", "shell"): ('[ -n "$1" ] || exit 1\n', '[ -n "$1" ] || exits=1\n'),
}

CONCURRENCY: Samples = {
    ("async-await", "python"): ("async def f(): ...\n", "def asynchronous(): ...\n"),
    ("async-await", "javascript"): ("const f = async () => {};", "const f = () => {};"),
    ("async-await", "typescript"): ("class A { private async f() {} }", "class A { private f() {} }"),
    ("lock", "python"): ("lock = threading.Lock()\n", "lock = padlock.Lock()\n"),
    ("lock", "javascript"): ("const m = new Mutex();", "const m = new Mutexes();"),
    ("lock", "typescript"): ("const m = new Semaphore(2);", "const m = semaphore(2);"),
    ("lock", "java"): ("class A { synchronized void f() {} }", "class A { void synchronize() {} }"),
    ("lock", "go"): ("package a\nvar m sync.Mutex", "package a\nvar m sync.Map"),
    ("lock", "shell"): ("flock /tmp/x make\n", "echo flock\n"),
    ("thread-pool", "python"): ("p = ThreadPoolExecutor(4)\n", "p = Thread(target=f)\n"),
    ("thread-pool", "java"): (
        "class A { E e = Executors.newFixedThreadPool(4); }",
        "class A { E e = executors.next(); }",
    ),
    ("thread-pool", "javascript"): ("const w = new Worker('a.js');", "const w = new Workers();"),
    ("thread-pool", "typescript"): ("const w = new Piscina({});", "const w = worker();"),
    ("thread-pool", "go"): (
        "package a\nfunc f() { var w sync.WaitGroup }",
        "package a\nfunc f() { var w sync.Once }",
    ),
    ("thread-pool", "shell"): ("xargs -n 1 -P 4 gzip\n", "xargs -n 1 gzip\n"),
    ("goroutine", "go"): ("package a\nfunc f() { go g() }", "package a\nfunc f() { g() }"),
    ("channel", "go"): ("package a\nvar c = make(chan int, 3)", "package a\nvar c = make([]int, 3)"),
    ("channel", "python"): ("q = asyncio.Queue()\n", "q = bar.Queue()\n"),
    ("channel", "java"): (
        "class A { Object q = new LinkedBlockingQueue<>(); }",
        "class A { Object q = new ArrayList<>(); }",
    ),
    ("gather", "python"): ("async def f():\n    await asyncio.gather(a(), b())\n", "gather(a, b)\n"),
    ("gather", "javascript"): ("Promise.all([a, b]);", "Promise.resolve(a);"),
    ("gather", "typescript"): ("Promise.allSettled([a, b]);", "promises.all([a]);"),
    ("gather", "java"): (
        "class A { void f() { CompletableFuture.allOf(a, b); } }",
        "class A { void f() { CompletableFuture.runAsync(a); } }",
    ),
}

INPUT_OUTPUT: Samples = {
    ("streaming-read", "python"): (
        "for line in file:\n    print(line)\n",
        "for line in lines:\n    print(line)\n",
    ),
    ("streaming-read", "javascript"): ("fs.createReadStream('x');", "fs.readFileSync('x');"),
    ("streaming-read", "typescript"): (
        "async function f() { for await (const c of s) { g(c); } }",
        "function f() { for (const c of s) { g(c); } }",
    ),
    ("streaming-read", "java"): (
        "class A { Object r = new BufferedReader(in); }",
        "class A { Object r = Files.readString(p); }",
    ),
    ("streaming-read", "go"): ("package a\nvar s = bufio.NewScanner(r)", "package a\nvar s = os.ReadFile(r)"),
    ("streaming-read", "shell"): (
        'while IFS= read -r line; do\n  echo "$line"\ndone\n',
        "while true; do\n  readme\ndone\n",
    ),
    ("file-context", "python"): ("with open('x') as f:\n    f.read()\n", "f = open('x')\n"),
    ("file-context", "java"): (
        "class A { void f() { try (R r = new R()) { r.g(); } } }",
        "class A { void f() { try { r.g(); } finally { r.close(); } } }",
    ),
    ("file-context", "go"): ("package a\nfunc f() { defer x.Close() }", "package a\nfunc f() { x.Close() }"),
    ("file-context", "shell"): ("trap 'rm -f x' EXIT\n", "trap '' INT\n"),
    ("http-client", "python"): ("requests.get(url, timeout=3)\n", "requests.append(url)\n"),
    ("http-client", "javascript"): ("fetch('/x');", "fetcher('/x');"),
    ("http-client", "typescript"): ("axios.get('/x');", "router.get('/x');"),
    ("http-client", "java"): (
        "class A { Object c = HttpClient.newHttpClient(); }",
        "class A { Object c = Client.newClient(); }",
    ),
    ("http-client", "go"): (
        "package a\nfunc f() { http.Get(u) }",
        "package a\nfunc f() { http.Error(w, u, 1) }",
    ),
    ("http-client", "shell"): ("curl -fsS https://example.invalid\n", "echo curl\n"),
    ("parameterised-sql", "python"): (
        "db.execute('SELECT a FROM t WHERE b = ?', (b,))\n",
        "db.execute('SELECT a FROM t')\n",
    ),
    ("parameterised-sql", "javascript"): (
        "db.query('SELECT a FROM t WHERE b = $1', [b]);",
        "db.query('SELECT a FROM t');",
    ),
    ("parameterised-sql", "typescript"): (
        "db.query('SELECT a FROM t WHERE b = ?', [b]);",
        "db.query(`SELECT ${a}`);",
    ),
    ("parameterised-sql", "java"): (
        'class A { void f() { c.prepareStatement("SELECT a FROM t WHERE b = ?"); } }',
        "class A { void f() { c.createStatement(); } }",
    ),
    ("parameterised-sql", "go"): (
        'package a\nfunc f() { db.QueryContext(ctx, "SELECT a FROM t WHERE b = $1", b) }',
        'package a\nfunc f() { db.Query("SELECT a FROM t") }',
    ),
    ("string-built-sql", "python"): ("q = f'SELECT a FROM t WHERE b = {b}'\n", "q = f'Select one of {b}'\n"),
    ("string-built-sql", "javascript"): (
        "const q = `SELECT a FROM t WHERE b = ${b}`;",
        "const q = `Select ${b}`;",
    ),
    ("string-built-sql", "typescript"): (
        "const q = 'DELETE FROM t WHERE b = ' + b;",
        "const q = 'DELETE ' + b;",
    ),
    ("string-built-sql", "java"): (
        'class A { String q = "SELECT a FROM t WHERE b = " + b; }',
        'class A { String q = "Select " + b; }',
    ),
    ("string-built-sql", "go"): (
        'package a\nvar q = fmt.Sprintf("SELECT a FROM t WHERE b = %s", b)',
        'package a\nvar q = fmt.Sprintf("Select %s", b)',
    ),
    ("transaction", "python"): ("with engine.begin() as c:\n    f(c)\n", "game.begin()\n"),
    ("transaction", "javascript"): ("db.transaction(f);", "db.transactions;"),
    ("transaction", "typescript"): ("prisma.$transaction([a, b]);", "prisma.user.create(a);"),
    ("transaction", "java"): (
        "class A { @Transactional void f() {} }",
        "class A { @Translated void f() {} }",
    ),
    ("transaction", "go"): (
        "package a\nfunc f() { db.BeginTx(ctx, nil) }",
        "package a\nfunc f() { Beginning() }",
    ),
}

TESTING: Samples = {
    ("fixture", "python"): ("@pytest.fixture\ndef db(): ...\n", "@pytest.hookimpl\ndef db(): ...\n"),
    ("fixture", "javascript"): ("beforeEach(() => {});", "before(() => {});"),
    ("fixture", "typescript"): ("beforeAll(async () => {});", "beforehand();"),
    ("fixture", "java"): ("class T { @BeforeEach void f() {} }", "class T { @Test void f() {} }"),
    ("fixture", "go"): (
        "package a\nfunc TestMain(m *testing.M) {}",
        "package a\nfunc TestMainly(t *testing.T) {}",
    ),
    ("fixture", "shell"): ("setup() { mkdir x; }\n", "setups() { mkdir x; }\n"),
    ("parametrised-test", "python"): (
        "@pytest.mark.parametrize('x', [1])\ndef test_a(x): ...\n",
        "@pytest.mark.slow\ndef test_a(): ...\n",
    ),
    ("parametrised-test", "javascript"): ("it.each([1])('a', () => {});", "list.each(f);"),
    ("parametrised-test", "typescript"): ("test.each([1])('a', () => {});", "test('each', f);"),
    ("parametrised-test", "java"): (
        "class T { @ParameterizedTest void f(int x) {} }",
        "class T { @Test void f() {} }",
    ),
    ("table-driven-test", "go"): (
        "package a\nfunc TestA(t *testing.T) { for _, c := range cs { t.Run(c.n, f) } }",
        "package a\nfunc TestA(t *testing.T) { t.Run(n, f) }",
    ),
    ("table-driven-test", "python"): (
        "class T(TestCase):\n    def test_a(self):\n        with self.subTest(x=1):\n            f()\n",
        "class T(TestCase):\n    def test_a(self):\n        with subtle():\n            f()\n",
    ),
    ("table-driven-test", "javascript"): ("cases.forEach((c) => { it(c.name, f); });", "cases.forEach(f);"),
    ("table-driven-test", "typescript"): (
        "for (const c of cases) { test(c.name, f); }",
        "for (const c of cases) { f(c); }",
    ),
    ("mock", "python"): ("m = MagicMock()\n", "m = Mocking()\n"),
    ("mock", "javascript"): ("const f = jest.fn();", "const f = jest.run();"),
    ("mock", "typescript"): ("vi.mock('./a');", "vi.edit('./a');"),
    ("mock", "java"): ("class T { A a = Mockito.mock(A.class); }", "class T { A a = mocking(A.class); }"),
    ("mock", "go"): (
        "package a\nfunc TestA() { gomock.NewController(t) }",
        "package a\nfunc TestA() { NewController(t) }",
    ),
    ("arrange-act-assert", "python"): (
        "def test_a():\n    # Arrange\n    x = 1\n",
        "# Given the size\nX = 1\n",
    ),
    ("arrange-act-assert", "javascript"): ("test('a', () => {\n// arrange\nf(); });", "// given\nf();"),
    ("arrange-act-assert", "typescript"): (
        "test('a', () => {\n// Given: x\nf(); });",
        "test('a', () => {\n// givens\n f(); });",
    ),
    ("arrange-act-assert", "java"): (
        "class T { void f() {\n// given\ng(); } }",
        "class T {\n// given\nvoid f() {} }",
    ),
    ("arrange-act-assert", "go"): (
        "package a\nfunc TestA() {\n// Arrange\nf()\n}",
        "package a\n// Arrange\nfunc TestA() {}",
    ),
    ("property-test", "python"): (
        "@given(st.integers())\ndef test_a(x): ...\n",
        "@giver(1)\ndef test_a(): ...\n",
    ),
    ("property-test", "javascript"): ("fc.property(fc.integer(), f);", "fc.assert(1);"),
    ("property-test", "typescript"): ("fc.asyncProperty(a, f);", "property(a, f);"),
    ("property-test", "java"): ("class T { @Property void f() {} }", "class T { @Properties void f() {} }"),
    ("property-test", "go"): (
        "package a\nfunc TestA() { quick.Check(f, nil) }",
        "package a\nfunc TestA() { Check(f) }",
    ),
}

PATTERNS: Samples = DESIGN | ERRORS | CONCURRENCY | INPUT_OUTPUT | TESTING

WRONG: Samples = {
    ("swallowed-error", "javascript"): ERRORS["swallowed-error", "javascript"],
    ("swallowed-error", "typescript"): ERRORS["swallowed-error", "typescript"],
    ("swallowed-error", "java"): ERRORS["swallowed-error", "java"],
    ("swallowed-error", "go"): (
        "package a\nfunc f() { if err != nil { }; g() }",
        "package a\nfunc f() { if err != nil { g() } }",
    ),
    ("ignored-error", "go"): (
        "package a\nfunc f() { _ = os.Remove(x) }",
        "package a\nfunc f() { x = os.Remove(x) }",
    ),
    ("broad-catch", "java"): ERRORS["broad-catch", "java"],
    ("loose-equality", "javascript"): ("if (a == 1) f();", "if (a === 1 || a == null) f();"),
    ("loose-equality", "typescript"): ("if (a != b) f();", "if (a !== b) f();"),
    ("var-declaration", "javascript"): ("var a = 1;", "let a = 1;"),
    ("var-declaration", "typescript"): ("var a = 1;", "const a = 1;"),
    ("debugger", "javascript"): ("debugger;", "f('debugger');"),
    ("debugger", "typescript"): ("debugger;", "const d = 'debugger';"),
    ("type-check-silenced", "typescript"): ("const a = b as any;", "const a = b as anything;"),
    ("printed-stack-trace", "java"): (
        "class A { void f() { e.printStackTrace(); } }",
        "class A { void f() { e.printStackTrace(w); } }",
    ),
    ("compared-strings", "java"): (
        'class A { boolean f() { return a == "x"; } }',
        'class A { boolean f() { return "x".equals(a) && 1 == 2; } }',
    ),
    ("panic", "go"): ('package a\nfunc f() { panic("x") }', 'package a\nfunc MustF() { panic("x") }'),
    ("evaluated-text", "javascript"): ("eval(x);", "evaluate(x);"),
    ("evaluated-text", "typescript"): ("new Function(x);", "new Functions(x);"),
    ("evaluated-text", "shell"): ('eval "$x"\n', "eval 'ls'\n"),
    ("markup-from-text", "javascript"): ("a.innerHTML = x;", "a.innerHTML = '<b>x</b>';"),
    ("markup-from-text", "typescript"): ("document.write(x);", "documents.write(x);"),
    ("shell-from-text", "javascript"): ("exec(`ls ${x}`);", "exec('ls');"),
    ("shell-from-text", "typescript"): ("child_process.execSync('ls ' + x);", "pattern.exec(`a${x}`);"),
    ("shell-from-text", "go"): (
        'package a\nfunc f() { exec.Command("sh", "-c", x) }',
        'package a\nfunc f() { exec.Command("sh", "-c", "ls") }',
    ),
    ("shell-from-text", "java"): (
        'class A { void f() { r.exec("ls " + x); } }',
        'class A { void f() { r.exec("ls"); } }',
    ),
    ("built-sql", "javascript"): INPUT_OUTPUT["string-built-sql", "javascript"],
    ("built-sql", "typescript"): INPUT_OUTPUT["string-built-sql", "typescript"],
    ("built-sql", "java"): INPUT_OUTPUT["string-built-sql", "java"],
    ("built-sql", "go"): INPUT_OUTPUT["string-built-sql", "go"],
    ("weak-hash", "javascript"): ("crypto.createHash('md5');", "crypto.createHash('sha256');"),
    ("weak-hash", "typescript"): ("crypto.createHash('sha1');", "crypto.createHash('sha512');"),
    ("weak-hash", "java"): (
        'class A { Object h = MessageDigest.getInstance("SHA-1"); }',
        'class A { Object h = MessageDigest.getInstance("SHA-256"); }',
    ),
    ("weak-hash", "go"): ('package a\nimport "crypto/md5"', 'package a\nimport "crypto/sha256"'),
    ("unchecked-certificate", "javascript"): (
        "f({ rejectUnauthorized: false });",
        "f({ rejectUnauthorized: true });",
    ),
    ("unchecked-certificate", "typescript"): ("f({ rejectUnauthorized: false });", "f({ reject: false });"),
    ("unchecked-certificate", "go"): (
        "package a\nvar c = tls.Config{InsecureSkipVerify: true}",
        "package a\nvar c = tls.Config{InsecureSkipVerify: false}",
    ),
    ("unchecked-certificate", "shell"): ("curl -s -k https://x.invalid\n", "curl -s https://x.invalid/a-k\n"),
    ("unsafe-deserialisation", "java"): (
        "class A { Object f() { return in.readObject(); } }",
        "class A { Object f() { return in.readObject(1); } }",
    ),
    ("hardcoded-secret", "javascript"): ("const apiKey = 'abcdef123456';", "const apiKey = '';"),
    ("hardcoded-secret", "typescript"): ("const dbPassword = 'abcdef123456';", "const password = read();"),
    ("hardcoded-secret", "java"): (
        'class A { String password = "abcdef123456"; }',
        'class A { String password = System.getenv("X"); }',
    ),
    ("hardcoded-secret", "go"): (
        'package a\nfunc f() { dbPassword := "abcdef123456"; g(dbPassword) }',
        'package a\nfunc f() { dbPassword := read("abcdef"); g(dbPassword) }',
    ),
    ("hardcoded-secret", "shell"): ("DB_PASSWORD=abcdef123456\n", 'DB_PASSWORD="$1"\n'),
    ("piped-into-a-shell", "shell"): (
        "curl -s https://x.invalid | sh\n",
        "curl -s https://x.invalid | jq .\n",
    ),
    ("open-to-everybody", "shell"): ("chmod -R 777 x\n", "chmod 755 x\n"),
}
