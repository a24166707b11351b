package linmem.chicory;

import com.dylibso.chicory.compiler.MachineFactoryCompiler;
import com.dylibso.chicory.runtime.ByteArrayMemory;
import com.dylibso.chicory.runtime.ByteBufferMemory;
import com.dylibso.chicory.runtime.ExportFunction;
import com.dylibso.chicory.runtime.GlobalInstance;
import com.dylibso.chicory.runtime.ImportFunction;
import com.dylibso.chicory.runtime.ImportGlobal;
import com.dylibso.chicory.runtime.ImportMemory;
import com.dylibso.chicory.runtime.ImportTable;
import com.dylibso.chicory.runtime.ImportValues;
import com.dylibso.chicory.runtime.Instance;
import com.dylibso.chicory.runtime.Machine;
import com.dylibso.chicory.runtime.Memory;
import com.dylibso.chicory.runtime.TrapException;
import com.dylibso.chicory.wasi.WasiExitException;
import com.dylibso.chicory.wasi.WasiOptions;
import com.dylibso.chicory.wasi.WasiPreview1;
import com.dylibso.chicory.wasm.ChicoryException;
import com.dylibso.chicory.wasm.InvalidException;
import com.dylibso.chicory.wasm.MalformedException;
import com.dylibso.chicory.wasm.Parser;
import com.dylibso.chicory.wasm.UninstantiableException;
import com.dylibso.chicory.wasm.UnlinkableException;
import com.dylibso.chicory.wasm.Version;
import com.dylibso.chicory.wasm.WasmModule;
import com.dylibso.chicory.wasm.types.ExternalType;
import com.dylibso.chicory.wasm.types.FunctionType;
import com.dylibso.chicory.wasm.types.MemoryLimits;
import com.dylibso.chicory.wasm.types.MutabilityType;
import com.dylibso.chicory.wasm.types.ValType;
import java.math.BigInteger;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import linmem.kit.Channel;
import linmem.kit.Description;
import linmem.kit.Driver;
import linmem.kit.Failure;
import linmem.kit.Import;
import linmem.kit.Numbers;
import linmem.kit.Refused;
import linmem.kit.Session;
import linmem.kit.Told;
import linmem.kit.Value;
import linmem.kit.View;
import linmem.kit.Wasi;

/**
 * Chicory, the Wasm runtime in Java (https://chicory.dev/docs/), by its own API.
 *
 * <p>Chicory has no store: instances, memories and globals are Java objects that go when nothing refers to them. Ways
 * into memory, all of them methods of {@code Memory}, which check bounds and keep no copy:
 *
 * <dl>
 * <dt>{@code readI32}</dt><dd>{@code readU8 readI8 readU16 readI16 readU32 readI32 readI64 readF32 readF64}, which
 * return a {@code long}, of floats the bit pattern</dd>
 * <dt>{@code readInt}</dt><dd>{@code read readShort readInt readLong readFloat readDouble}, which return Java's types,
 * all signed</dd>
 * <dt>{@code readBytes}</dt><dd>{@code readBytes} and {@code write}, which copy a {@code byte[]}</dd>
 * </dl>
 *
 * <p>The first two write by the same methods: {@code writeByte writeShort writeI32 writeLong writeF32 writeF64}. No
 * method returns an unsigned 64-bit number; {@code readBytes} serves {@code u64}.
 *
 * <p>What Java's types make impossible to write is answered as <em>not expressible</em>: an address or a count is an
 * {@code int}, so one beyond 32 bits has no place, and one of 2**31 or more is the negative int with these bits, as a
 * program has the pointers that a guest gives it; a {@code byte} holds no 256, and no parameter takes a text.
 *
 * <p>Functions take and give {@code long}s: an i32 goes in sign-extended, as Java widens an int, and a float as its bit
 * pattern, so every NaN arrives. A host function is told which instance calls it. {@code Instance.Builder} calls an
 * exported {@code _start} unless {@code withStart(false)} says otherwise, as here, because the harness calls it.
 *
 * <p>Exceptions tell little by their class. Traps are {@code TrapException}, {@code WasmRuntimeException} or plain
 * {@code ChicoryException}; the driver takes those that come out of a guest's call for traps.
 */
public final class ChicoryDriver
        implements Driver<ChicoryDriver.Program, Instance, ExportFunction, GlobalInstance, Memory> {
    /**
     * A parsed module.
     *
     * @param module what the parser gave
     * @param machines makes what carries out its code
     */
    record Program(WasmModule module, Function<Instance, Machine> machines) {}

    private static final Map<String, ValType> VALUE_TYPES =
            Map.of("i32", ValType.I32, "i64", ValType.I64, "f32", ValType.F32, "f64", ValType.F64);
    /** How Chicory's texts begin, and the specification's words. */
    private static final Map<String, String> TRAPS = Map.of(
            "Trapped on unreachable instruction", "unreachable",
            "Attempt to wait on a non-shared memory", "expected shared memory");
    private static final List<String> SPECIFIED = List.of(
            "out of bounds memory access", "out of bounds table access", "integer divide by zero", "integer overflow",
            "invalid conversion to integer", "indirect call type mismatch", "undefined element",
            "uninitialized element", "call stack exhausted", "unaligned atomic");

    private final Description description;
    private final boolean compiles;
    private final Function<MemoryLimits, Memory> memories;
    private final Deque<Instance> callers = new ArrayDeque<>(); // of the host functions that run, the innermost first

    private ChicoryDriver(String variant) {
        String name = variant == null ? "interpreter" : variant;
        if (!List.of("interpreter", "compiler", "bytearray").contains(name)) {
            throw new Refused("chicory has no variant " + name);
        }
        compiles = name.equals("compiler");
        memories = name.equals("bytearray") ? ByteArrayMemory::new : ByteBufferMemory::new;
        Map<String, String> defaults = new HashMap<>(Map.of("u64", "readBytes", "bytes", "readBytes"));
        for (String type : List.of("u8", "s8", "u16", "s16", "u32", "s32", "s64")) {
            defaults.put(type, "readI32");
        }
        defaults.put("f32", "readInt");
        defaults.put("f64", "readInt");
        String engine = "Chicory " + Version.version() + (compiles ? ", compiler" : ", interpreter");
        description = new Description("chicory", Version.version(), engine, MemoryViews.KINDS, defaults,
                List.of("preview1"));
    }

    public static void main(String[] args) {
        Session.serve(new Channel(), (variant, cache) -> new ChicoryDriver(variant));
    }

    @Override
    public Description description() {
        return description;
    }

    // Modules and instances

    @Override
    public Program moduleCompile(byte[] bytes) {
        WasmModule module = Parser.parse(bytes);
        return new Program(module, compiles ? MachineFactoryCompiler.compile(module) : null);
    }

    @Override
    public Instance instanceCreate(Program program, List<Import<Instance, GlobalInstance, Memory>> imports) {
        return build(program, values(imports).build());
    }

    @Override
    public Instance agentCreate(Program program, List<Import<Instance, GlobalInstance, Memory>> imports) {
        return instanceCreate(program, imports);
    }

    @Override
    public Instance wasiInstanceCreate(
            Program program, List<Import<Instance, GlobalInstance, Memory>> imports, Wasi wasi) {
        WasiOptions.Builder options = WasiOptions.builder().inheritSystem().withArguments(wasi.args());
        wasi.env().forEach(options::withEnvironment);
        wasi.preopens().forEach((path, folder) -> options.withDirectory(path, Path.of(folder)));
        WasiPreview1 preview = WasiPreview1.builder().withOptions(options.build()).build();
        Instance instance = build(program, values(imports).addFunction(preview.toHostFunctions()).build());
        if (kind(instance, "_initialize") == ExternalType.FUNCTION) {
            instance.export("_initialize").apply();
        }
        return instance;
    }

    private Instance build(Program program, ImportValues imports) {
        Instance.Builder builder = Instance.builder(program.module)
                .withImportValues(imports).withMemoryFactory(memories).withStart(false);
        return (compiles ? builder.withMachineFactory(program.machines) : builder).build();
    }

    private ImportValues.Builder values(List<Import<Instance, GlobalInstance, Memory>> imports) {
        ImportValues.Builder values = ImportValues.builder();
        for (Import<Instance, GlobalInstance, Memory> item : imports) {
            if (item instanceof Import.Function<Instance, GlobalInstance, Memory> function) {
                values.addFunction(hostFunction(function));
            } else if (item instanceof Import.Memory<Instance, GlobalInstance, Memory> memory) {
                values.addMemory(new ImportMemory(item.module(), item.name(), memory.memory()));
            } else if (item instanceof Import.Global<Instance, GlobalInstance, Memory> global) {
                values.addGlobal(new ImportGlobal(item.module(), item.name(), global.global()));
            } else if (item instanceof Import.New<Instance, GlobalInstance, Memory> made) {
                GlobalInstance global = globalCreate(made.value(), made.mutable());
                values.addGlobal(new ImportGlobal(item.module(), item.name(), global));
            } else if (item instanceof Import.Export<Instance, GlobalInstance, Memory> export) {
                addExport(values, export);
            }
        }
        return values;
    }

    private static void addExport(
            ImportValues.Builder values, Import.Export<Instance, GlobalInstance, Memory> export) {
        String module = export.module();
        String name = export.name();
        Instance from = export.instance();
        ExternalType kind = kind(from, export.export());
        if (kind == ExternalType.MEMORY) {
            values.addMemory(new ImportMemory(module, name, from.exports().memory(export.export())));
        } else if (kind == ExternalType.GLOBAL) {
            values.addGlobal(new ImportGlobal(module, name, from.exports().global(export.export())));
        } else if (kind == ExternalType.TABLE) {
            values.addTable(new ImportTable(module, name, from.exports().table(export.export())));
        } else {
            values.addFunction(ImportFunction.exportAsImport(module, name, from, export.export()));
        }
    }

    /** What kind of export this is; null: there is none of that name. */
    private static ExternalType kind(Instance instance, String name) {
        var exports = instance.module().exportSection();
        for (int i = 0; i < exports.exportCount(); i++) {
            if (exports.getExport(i).name().equals(name)) {
                return exports.getExport(i).exportType();
            }
        }
        return null;
    }

    private com.dylibso.chicory.runtime.HostFunction hostFunction(
            Import.Function<Instance, GlobalInstance, Memory> item) {
        FunctionType type = FunctionType.of(types(item.params()), types(item.results()));
        return new com.dylibso.chicory.runtime.HostFunction(item.module(), item.name(), type, (caller, args) -> {
            callers.push(caller);
            try {
                return raw(item.function().call(typed(item.params(), args)));
            } finally {
                callers.pop();
            }
        });
    }

    private static List<ValType> types(List<String> names) {
        List<ValType> types = new ArrayList<>();
        for (String name : names) {
            if (!VALUE_TYPES.containsKey(name)) {
                throw new Refused("the driver passes no " + name + " values");
            }
            types.add(VALUE_TYPES.get(name));
        }
        return types;
    }

    @Override
    public List<Value> functionCall(Instance instance, String name, List<Value> args, List<String> results) {
        return functionApply(instance.export(name), args, results);
    }

    @Override
    public ExportFunction functionExport(Instance instance, String name) {
        return instance.export(name);
    }

    @Override
    public List<Value> functionApply(ExportFunction function, List<Value> args, List<String> results) {
        return typed(results, function.apply(raw(args)));
    }

    private static long[] raw(List<Value> values) {
        return values.stream().mapToLong(ChicoryDriver::raw).toArray();
    }

    private static long raw(Value value) {
        return switch (value.type()) {
            case "i32", "f32" -> value.asInt();
            default -> value.asLong();
        };
    }

    private static List<Value> typed(List<String> types, long[] raw) {
        List<Value> values = new ArrayList<>();
        for (int i = 0; i < types.size(); i++) {
            values.add(typed(types.get(i), raw[i]));
        }
        return values;
    }

    private static Value typed(String type, long raw) {
        return type.startsWith("f") ? Value.bits(type, raw) : Value.of(type, raw);
    }

    // Globals

    @Override
    public GlobalInstance globalCreate(Value value, boolean mutable) {
        MutabilityType mutability = mutable ? MutabilityType.Var : MutabilityType.Const;
        return new GlobalInstance(raw(value), 0, VALUE_TYPES.get(value.type()), mutability);
    }

    @Override
    public GlobalInstance globalExport(Instance instance, String name) {
        return instance.exports().global(name);
    }

    @Override
    public Value globalGet(GlobalInstance global, String type) {
        return typed(type, global.getValue());
    }

    @Override
    public void globalSet(GlobalInstance global, Value value) {
        global.setValue(raw(value));
    }

    // Memories

    @Override
    public Memory memoryExport(Instance instance, String name) {
        return instance.exports().memory(name);
    }

    @Override
    public Memory memoryCaller(String name) {
        return callers.peek().exports().memory(name);
    }

    @Override
    public Memory memoryCreate(BigInteger min, BigInteger max, boolean shared, String index) {
        if (index.equals("i64")) {
            throw new Refused("MemoryLimits has no 64-bit index type");
        }
        if (shared && max == null) {
            throw Refused.notExpressible("MemoryLimits takes whether a memory is shared only together with a maximum");
        }
        int most = max == null ? MemoryLimits.MAX_PAGES : Numbers.count(max);
        return memories.apply(new MemoryLimits(Numbers.count(min), most, shared));
    }

    @Override
    public BigInteger memorySize(Memory memory, long pageSize) {
        return BigInteger.valueOf(memory.pages());
    }

    @Override
    public BigInteger memoryGrow(Memory memory, BigInteger delta) throws Told {
        int before = memory.grow(Numbers.count(delta));
        if (before == -1) {
            throw new Told("-1", "Memory.grow gave -1");
        }
        return BigInteger.valueOf(before);
    }

    @Override
    public View viewOpen(Memory memory, String kind, BigInteger offset, BigInteger length) {
        if (offset != null || length != null) {
            throw MemoryViews.noPart();
        }
        return MemoryViews.of(memory, kind);
    }

    // Errors

    @Override
    public Failure classify(String method, Throwable error) {
        String text = String.valueOf(error.getMessage());
        if (error instanceof WasiExitException exit) {
            return new Failure("exit", String.valueOf(exit.exitCode()));
        }
        boolean runs = method.equals("function.call") || method.equals("instance.create");
        if (error instanceof InvalidException || error instanceof MalformedException) { // also: no such export
            boolean trap = method.equals("function.call") && SPECIFIED.contains(text);
            String kind = Map.of("module.compile", "compile", "instance.create", "link").getOrDefault(method, "host");
            return new Failure(trap ? "trap" : kind, text);
        }
        if (error instanceof UnlinkableException) {
            return new Failure("link", text);
        }
        if (error instanceof TrapException || error instanceof UninstantiableException
                || error instanceof ChicoryException && runs) {
            return new Failure("trap", specified(text));
        }
        boolean compiling = error instanceof ChicoryException && method.equals("module.compile");
        return new Failure(compiling ? "compile" : "host", text);
    }

    private static String specified(String text) {
        for (Map.Entry<String, String> trap : TRAPS.entrySet()) {
            if (text.startsWith(trap.getKey())) {
                return trap.getValue();
            }
        }
        return SPECIFIED.stream().filter(text::startsWith).findFirst().orElse(text);
    }

    @Override
    public RuntimeException hostError(String kind, String message) {
        return kind.equals("trap") ? new TrapException(message) : Driver.super.hostError(kind, message);
    }
}
