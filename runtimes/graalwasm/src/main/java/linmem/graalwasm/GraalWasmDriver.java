package linmem.graalwasm;

import java.io.ByteArrayInputStream;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import linmem.kit.Channel;
import linmem.kit.Description;
import linmem.kit.Driver;
import linmem.kit.Failure;
import linmem.kit.Import;
import linmem.kit.Numbers;
import linmem.kit.Refused;
import linmem.kit.Session;
import linmem.kit.Told;
import linmem.kit.View;
import linmem.kit.Wasi;
import org.graalvm.polyglot.Context;
import org.graalvm.polyglot.Engine;
import org.graalvm.polyglot.PolyglotAccess;
import org.graalvm.polyglot.PolyglotException;
import org.graalvm.polyglot.Source;
import org.graalvm.polyglot.Value;
import org.graalvm.polyglot.io.ByteSequence;
import org.graalvm.polyglot.io.IOAccess;
import org.graalvm.polyglot.proxy.ProxyArray;
import org.graalvm.polyglot.proxy.ProxyExecutable;
import org.graalvm.polyglot.proxy.ProxyObject;
import org.graalvm.wasm.WasmLanguage;

/**
 * GraalWasm (https://www.graalvm.org/webassembly), by the polyglot API that it shares with GraalVM's other languages.
 *
 * <p>{@code Context.eval} makes a module of a {@code Source}, {@code newInstance} an instance, and everything is a
 * {@code Value}: an exported function is executable, a memory is an array and a buffer, a global has the member
 * {@code value}. Each {@code getMember} makes a new {@code Value}; {@code equals} tells that two stand for one object,
 * and {@code ==} does not. Ways into memory:
 *
 * <dl>
 * <dt>{@code readBufferInt}</dt><dd>{@code readBufferByte Short Int Long Float Double} and their {@code writeBuffer…},
 * with Java's types, all signed, in the byte order that the caller says</dd>
 * <dt>{@code readBuffer}</dt><dd>{@code readBuffer}, which copies into a {@code byte[]}. There is no such method to
 * write: a number is written by {@code writeBufferByte Short Int Long}, bytes one by one by {@code writeBufferByte}, so
 * of bytes that go past the end those before it are written</dd>
 * <dt>{@code getArrayElement}</dt><dd>{@code getArrayElement} and {@code setArrayElement}, whose values are polyglot
 * ones; reads give 0 to 255, writes take a signed byte</dd>
 * <dt>{@code mem_as_byte_buffer}</dt><dd>a {@code java.nio.ByteBuffer} over the memory's own bytes</dd>
 * </dl>
 *
 * <p>The documented API has no way to make a memory or a global, nor to let a memory grow. What GraalVM's JavaScript does
 * it with is the object {@code WebAssembly} among the polyglot bindings, which is not documented and needs
 * {@code PolyglotAccess.ALL}: {@code mem_alloc}, {@code mem_grow}, {@code mem_as_byte_buffer}, {@code global_alloc}.
 *
 * <p>What the polyglot API's types make impossible to write is answered as <em>not expressible</em>: an address is a
 * {@code long}, that of a {@code ByteBuffer} an {@code int}; a {@code byte} holds no 256.
 *
 * <p>A context holds a scenario's objects, and closing it ends them all; WASI's arguments and folders are those of a
 * context, so an instance with WASI has one of its own. Features that are not on by default are switched on, and with
 * them {@code wasm.UseUnsafeMemory}, without which there are no shared and no 64-bit memories. Without GraalVM's compiler,
 * as here, everything is interpreted.
 *
 * <p>All that goes wrong is a {@code PolyglotException}, whose text alone tells what. An exception of a host function
 * comes out as one too, with its text and, by {@code asHostException}, itself. A host function can't make a trap.
 */
public final class GraalWasmDriver implements Driver<Source, Value, Value, Value, Value> {
    private static final List<String> FEATURES =
            List.of("UseUnsafeMemory", "Threads", "MultiMemory", "ExtendedConstExpressions", "RelaxedSIMD");
    /** The maximum, in pages, that GraalVM's JavaScript gives a memory without one; {@code mem_alloc} has no word for it. */
    private static final int MOST = 65536;
    private static final Set<String> SPECIFIED = Set.of(
            "unreachable", "out of bounds memory access", "out of bounds table access", "integer divide by zero",
            "integer overflow", "invalid conversion to integer", "indirect call type mismatch", "undefined element",
            "uninitialized element", "call stack exhausted", "unaligned atomic", "expected shared memory");
    /** GraalWasm's texts, and the specification's words. */
    private static final Map<Pattern, String> TRAPS = Map.of(
            Pattern.compile("\\d+-byte memory access at address .* is out-of-bounds .*"), "out of bounds memory access",
            Pattern.compile("\\d+-byte atomic memory access at address .* is unaligned.*"), "unaligned atomic",
            Pattern.compile("Actual \\(.*\\) and expected \\(.*\\) types differ in the indirect call\\."),
            "indirect call type mismatch",
            Pattern.compile("out of bounds table access: .*"), "out of bounds table access",
            Pattern.compile("memory access of negative length .*"), "out of bounds memory access");

    private final Engine engine;
    private final Description description;
    private final List<Context> contexts = new ArrayList<>(); // of this scenario, to be closed at its end
    private Context current;

    private GraalWasmDriver(String variant) {
        if (variant != null) {
            throw new Refused("graalwasm has no variant " + variant);
        }
        engine = Engine.newBuilder("wasm").allowExperimentalOptions(true).option("engine.WarnInterpreterOnly", "false").logHandler(System.err)
                .in(new ByteArrayInputStream(new byte[0])).out(System.err).err(System.err).build();
        Map<String, String> defaults = new HashMap<>(Map.of("u8", "getArrayElement"));
        List.of("s8", "s16", "s32", "s64", "f32", "f64").forEach(type -> defaults.put(type, "readBufferInt"));
        List.of("u16", "u32", "u64", "bytes").forEach(type -> defaults.put(type, "readBuffer"));
        String version = WasmLanguage.class.getPackage().getImplementationVersion();
        description = new Description("graalwasm", version, "GraalWasm " + version + ", interpreter", MemoryViews.KINDS,
                defaults, List.of("preview1"));
    }

    public static void main(String[] args) {
        Session.serve(new Channel(), (variant, cache) -> new GraalWasmDriver(variant));
    }

    @Override
    public Description description() {
        return description;
    }

    /** The scenario's context. Agents have it too. */
    private synchronized Context context() {
        if (current == null) {
            current = opened(Context.newBuilder("wasm").option("wasm.Memory64", "true"));
        }
        return current;
    }

    private Context opened(Context.Builder builder) {
        FEATURES.forEach(feature -> builder.option("wasm." + feature, "true"));
        Context context = builder.engine(engine).allowExperimentalOptions(true).allowPolyglotAccess(PolyglotAccess.ALL).build();
        contexts.add(context);
        return context;
    }

    @Override
    public void releaseStore() {
        current = null;
    }

    @Override
    public void releaseAll() {
        releaseStore();
        contexts.forEach(context -> context.close(true));
        contexts.clear();
    }

    // Modules and instances

    @Override
    public Source moduleCompile(byte[] bytes) throws Exception {
        Source source = Source.newBuilder("wasm", ByteSequence.create(bytes), "module").build();
        context().eval(source);
        return source;
    }

    @Override
    public Value instanceCreate(Source source, List<Import<Value, Value, Value>> imports) {
        return instance(context(), source, imports);
    }

    @Override
    public Value agentCreate(Source source, List<Import<Value, Value, Value>> imports) {
        return instanceCreate(source, imports);
    }

    @Override
    public Value wasiInstanceCreate(Source source, List<Import<Value, Value, Value>> imports, Wasi wasi) {
        if (!imports.stream().allMatch(item -> item instanceof Import.Function)) {
            throw new Refused("an instance with WASI has a context of its own, and no object of another comes in");
        }
        String folders = wasi.preopens().entrySet().stream().map(entry -> entry.getKey() + "::" + entry.getValue())
                .collect(Collectors.joining(","));
        Context.Builder builder = Context.newBuilder("wasm").option("wasm.Builtins", "wasi_snapshot_preview1")
                .arguments("wasm", wasi.args().toArray(String[]::new)).environment(wasi.env()).allowIO(IOAccess.ALL);
        Context own = opened(folders.isEmpty() ? builder : builder.option("wasm.WasiMapDirs", folders));
        Value instance = instance(own, source, imports);
        Value initialize = exports(instance).getMember("_initialize");
        if (initialize != null && initialize.canExecute()) {
            initialize.execute();
        }
        return instance;
    }

    private Value instance(Context context, Source source, List<Import<Value, Value, Value>> imports) {
        Map<String, Map<String, Object>> given = new HashMap<>();
        imports.forEach(item -> given.computeIfAbsent(item.module(), key -> new HashMap<>())
                .put(item.name(), imported(item)));
        Map<String, Object> modules = new HashMap<>();
        given.forEach((name, members) -> modules.put(name, ProxyObject.fromMap(members)));
        Value module = context.eval(source);
        return modules.isEmpty() ? module.newInstance() : module.newInstance(ProxyObject.fromMap(modules));
    }

    private Object imported(Import<Value, Value, Value> item) {
        if (item instanceof Import.Function<Value, Value, Value> function) {
            return hostFunction(function);
        } else if (item instanceof Import.Memory<Value, Value, Value> memory) {
            return memory.memory();
        } else if (item instanceof Import.Global<Value, Value, Value> global) {
            return global.global();
        } else if (item instanceof Import.New<Value, Value, Value> made) {
            return globalCreate(made.value(), made.mutable());
        }
        Import.Export<Value, Value, Value> export = (Import.Export<Value, Value, Value>) item;
        return exports(export.instance()).getMember(export.export());
    }

    private static ProxyExecutable hostFunction(Import.Function<Value, Value, Value> item) {
        return arguments -> {
            List<linmem.kit.Value> given = new ArrayList<>();
            for (int i = 0; i < arguments.length; i++) {
                given.add(typed(item.params().get(i), arguments[i]));
            }
            Object[] results = boxed(item.function().call(given));
            return results.length == 0 ? null : results.length == 1 ? results[0] : ProxyArray.fromArray(results);
        };
    }

    private static Value exports(Value instance) {
        return instance.getMember("exports");
    }

    @Override
    public List<linmem.kit.Value> functionCall(
            Value instance, String name, List<linmem.kit.Value> args, List<String> results) {
        return given(exports(instance).invokeMember(name, boxed(args)), results);
    }

    @Override
    public Value functionExport(Value instance, String name) throws Told {
        return export(instance, name, Value::canExecute, "function");
    }

    @Override
    public List<linmem.kit.Value> functionApply(Value function, List<linmem.kit.Value> args, List<String> results) {
        return given(function.execute(boxed(args)), results);
    }

    /** An export, if it is what the caller wants; {@code getMember} gives any, and null where there is none. */
    private static Value export(Value instance, String name, Predicate<Value> wanted, String what) throws Told {
        Value found = exports(instance).getMember(name);
        if (found == null) {
            throw new Told("null", "getMember gave null");
        } else if (!wanted.test(found)) {
            throw new UnsupportedOperationException("the export " + name + " is no " + what);
        }
        return found;
    }

    private static Object[] boxed(List<linmem.kit.Value> values) {
        return values.stream().map(linmem.kit.Value::boxed).toArray();
    }

    private static List<linmem.kit.Value> given(Value result, List<String> types) {
        List<linmem.kit.Value> values = new ArrayList<>();
        for (int i = 0; i < types.size(); i++) {
            values.add(typed(types.get(i), types.size() == 1 ? result : result.getArrayElement(i)));
        }
        return values;
    }

    private static linmem.kit.Value typed(String type, Value value) {
        return switch (type) {
            case "i32" -> linmem.kit.Value.of(type, value.asInt());
            case "i64" -> linmem.kit.Value.of(type, value.asLong());
            case "f32" -> linmem.kit.Value.of(value.asFloat());
            case "f64" -> linmem.kit.Value.of(value.asDouble());
            default -> throw new Refused("the driver passes no " + type + " values");
        };
    }

    // Globals

    @Override
    public Value globalCreate(linmem.kit.Value value, boolean mutable) {
        return webAssembly(context(), "global_alloc").execute(value.type(), mutable, value.boxed());
    }

    @Override
    public Value globalExport(Value instance, String name) throws Told {
        return export(instance, name, found -> found.hasMember("value"), "global");
    }

    @Override
    public linmem.kit.Value globalGet(Value global, String type) {
        return typed(type, global.getMember("value"));
    }

    @Override
    public void globalSet(Value global, linmem.kit.Value value) {
        global.putMember("value", value.boxed());
    }

    // Memories

    /** What GraalVM's JavaScript uses of GraalWasm. It is there once the context has a Wasm module or is asked for one. */
    static Value webAssembly(Context context, String name) {
        context.initialize("wasm");
        return context.getPolyglotBindings().getMember("WebAssembly").getMember(name);
    }

    @Override
    public Value memoryExport(Value instance, String name) throws Told {
        return export(instance, name, Value::hasBufferElements, "memory");
    }

    @Override
    public Value memoryCreate(BigInteger min, BigInteger max, boolean shared, String index) {
        if (index.equals("i64")) {
            throw new Refused("mem_alloc makes no memory with 64-bit addresses");
        }
        if (shared && max == null) {
            throw Refused.notExpressible("mem_alloc takes whether a memory is shared only behind a maximum");
        }
        Value alloc = webAssembly(context(), "mem_alloc");
        return alloc.execute(Numbers.count(min), max == null ? MOST : Numbers.count(max), shared);
    }

    @Override
    public BigInteger memorySize(Value memory, long pageSize) {
        return BigInteger.valueOf(memory.getBufferSize() / pageSize);
    }

    @Override
    public BigInteger memoryGrow(Value memory, BigInteger delta) {
        Value before = webAssembly(memory.getContext(), "mem_grow").execute(memory, Numbers.count(delta));
        return BigInteger.valueOf(before.asLong());
    }

    @Override
    public View viewOpen(Value memory, String kind, BigInteger offset, BigInteger length) {
        if (offset != null || length != null) {
            throw new Refused("the polyglot API's buffers have no offset and no length");
        }
        return MemoryViews.of(memory, kind);
    }

    // Errors

    @Override
    public Failure classify(String method, Throwable error) {
        String text = String.valueOf(error.getMessage());
        if (!(error instanceof PolyglotException problem) || problem.isHostException()) {
            return new Failure("host", text);
        } else if (problem.isExit() && (method.equals("function.call") || method.equals("instance.create"))) {
            return new Failure("exit", String.valueOf(problem.getExitStatus()));
        } else if (method.equals("module.compile")) {
            return new Failure("compile", text);
        }
        String specified = TRAPS.entrySet().stream().filter(entry -> entry.getKey().matcher(text).matches())
                .map(Map.Entry::getValue).findFirst().orElse(text);
        boolean trap = method.equals("function.call") || SPECIFIED.contains(specified);
        return new Failure(trap ? "trap" : method.equals("instance.create") ? "link" : "host", specified);
    }
}
