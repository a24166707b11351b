package linmem.kit;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;

/**
 * Serves the driver protocol, version 1 (docs/driver-protocol.md), over one {@link Driver}.
 *
 * @param <P> the driver's modules
 * @param <I> its instances
 * @param <F> its functions
 * @param <G> its globals
 * @param <M> its memories
 */
public final class Session<P, I, F, G, M> {
    /** Makes the driver; {@code variant} and {@code cache} may be null. Throws {@link Refused}. */
    @FunctionalInterface
    public interface Maker<P, I, F, G, M> {
        Driver<P, I, F, G, M> make(String variant, String cache) throws Exception;
    }

    /** One method of the protocol: request id and parameters to the result. */
    @FunctionalInterface
    interface Method {
        JsonObject answer(int id, JsonObject params);
    }

    private static final int PROTOCOL = 1;
    private static final int INVALID_REQUEST = -32600;

    final Table table = new Table();
    private final Map<String, Method> methods = new HashMap<>();
    private final Channel channel;
    private final Maker<P, I, F, G, M> maker;
    private final List<G> globals = new ArrayList<>(); // that were made as imports: kept until all is released
    private final Agents<P, I, F, G, M> agents = new Agents<>(this);
    private Driver<P, I, F, G, M> driver;
    private int importsCalled;

    private Session(Channel channel, Maker<P, I, F, G, M> maker) {
        this.channel = channel;
        this.maker = maker;
        methods.put("initialize", this::initialize);
        methods.put("shutdown", this::shutdown);
    }

    /** Answer requests until input ends. A defect of the driver's own ends the process with status 70. */
    public static <P, I, F, G, M> void serve(Channel channel, Maker<P, I, F, G, M> maker) {
        Session<P, I, F, G, M> session = new Session<>(channel, maker);
        while (true) {
            session.answer(channel.receive());
        }
    }

    /** The driver; never null after {@code initialize}. */
    Driver<P, I, F, G, M> driver() {
        return driver;
    }

    void answer(JsonObject request) {
        try {
            if (!(request.get("id") instanceof JsonPrimitive id && id.isNumber())) {
                channel.sendError(null, INVALID_REQUEST, "requests have integer ids", null);
                return;
            }
            answer(request.get("id").getAsInt(), request);
        } catch (Throwable defect) {
            Channel.defect(defect);
        }
    }

    private void answer(int id, JsonObject request) {
        String name = Table.optionalText(request, "method");
        try {
            Method method = methods.get(name);
            if (method == null) {
                throw new Driver.MethodMissing();
            }
            JsonObject params = Table.given(request, "params") ? request.getAsJsonObject("params") : new JsonObject();
            channel.sendResult(id, method.answer(id, params));
            return;
        } catch (RuntimeException error) {
            sendError(id, Answers.error(driver, name, error));
        }
        table.failed(id, "module.compile".equals(name));
    }

    private void sendError(int id, JsonObject error) {
        JsonObject answer = new JsonObject();
        answer.addProperty("jsonrpc", "2.0");
        answer.addProperty("id", id);
        answer.add("error", error);
        channel.send(answer);
    }

    /** Call into the driver: whatever comes out is the runtime's, and not the kit's fault. */
    static <T> T ask(String method, Callable<T> call) {
        try {
            return call.call();
        } catch (Refused | Driver.MethodMissing own) {
            throw own;
        } catch (Throwable error) {
            throw new Failed(method, error);
        }
    }

    // Methods

    private JsonObject initialize(int id, JsonObject params) {
        if (driver != null) {
            throw new BadParams("it comes once");
        }
        if (Table.id(params, "protocol") != PROTOCOL) {
            throw new BadParams("this driver speaks protocol " + PROTOCOL);
        }
        try {
            driver = maker.make(Table.optionalText(params, "variant"), Table.optionalText(params, "cache"));
        } catch (Refused refused) {
            throw refused;
        } catch (Exception error) {
            throw new IllegalStateException("the driver can't be made", error);
        }
        addMethods();
        return described(driver.description());
    }

    private void addMethods() {
        methods.put("module.compile", this::moduleCompile);
        methods.put("instance.create", this::instanceCreate);
        methods.put("function.call", this::functionCall);
        methods.put("function.export", this::functionExport);
        methods.put("global.create", this::globalCreate);
        methods.put("global.export", this::globalExport);
        methods.put("global.get", this::globalGet);
        methods.put("global.set", this::globalSet);
        methods.put("object.same", this::objectSame);
        methods.put("object.release", this::objectRelease);
        methods.put("host.collect", this::hostCollect);
        new Memories<>(driver, table).addTo(methods);
        agents.addTo(methods);
    }

    private static JsonObject described(Description told) {
        JsonObject runtime = new JsonObject();
        runtime.addProperty("name", told.name());
        runtime.addProperty("version", told.version());
        runtime.addProperty("engine", told.engine());
        JsonObject host = new JsonObject();
        host.addProperty("language", "Java");
        host.addProperty("version", System.getProperty("java.version"));
        host.addProperty("implementation", System.getProperty("java.vm.name"));
        JsonArray views = new JsonArray();
        for (ViewKind kind : told.views()) {
            JsonObject view = new JsonObject();
            view.addProperty("kind", kind.kind());
            view.addProperty("unit", 1);
            JsonArray types = new JsonArray();
            kind.types().forEach(types::add);
            view.add("types", types);
            views.add(view);
        }
        JsonObject defaults = new JsonObject();
        told.defaultViews().forEach(defaults::addProperty);
        JsonArray wasi = new JsonArray();
        told.wasi().forEach(wasi::add);
        JsonObject answer = new JsonObject();
        answer.addProperty("protocol", PROTOCOL);
        answer.add("runtime", runtime);
        answer.add("host", host);
        answer.add("views", views);
        answer.add("default_views", defaults);
        answer.add("glue", new JsonArray());
        answer.add("wasi", wasi);
        return answer;
    }

    private JsonObject shutdown(int id, JsonObject params) {
        channel.sendResult(id, new JsonObject());
        Channel.leave(0);
        return null;
    }

    private JsonObject moduleCompile(int id, JsonObject params) {
        byte[] bytes = Base64.getDecoder().decode(Table.text(params, "bytes"));
        table.put(id, Table.Kind.MODULE, ask("module.compile", () -> driver.moduleCompile(bytes)));
        return new JsonObject();
    }

    private JsonObject instanceCreate(int id, JsonObject params) {
        P module = module(params);
        List<Import<I, G, M>> imports = new ArrayList<>();
        Table.array(params, "imports").forEach(item -> imports.add(imported(Table.object(item))));
        if (Table.given(params, "glue")) {
            throw new Refused("the driver runs no language glue");
        }
        I instance = Table.given(params, "wasi")
                ? wasiInstance(module, imports, Table.object(params.get("wasi")))
                : ask("instance.create", () -> driver.instanceCreate(module, imports));
        table.put(id, Table.Kind.INSTANCE, instance);
        return new JsonObject();
    }

    private I wasiInstance(P module, List<Import<I, G, M>> imports, JsonObject given) {
        String version = Table.given(given, "version") ? Table.text(given, "version") : "preview1";
        if (!driver.description().wasi().contains(version)) {
            throw new Refused("the driver brings no WASI " + version);
        }
        Wasi wasi = new Wasi(version, Table.texts(given, "args"), texts(given, "env"), texts(given, "preopens"));
        return ask("instance.create", () -> driver.wasiInstanceCreate(module, imports, wasi));
    }

    private static Map<String, String> texts(JsonObject params, String key) {
        Map<String, String> texts = new LinkedHashMap<>();
        Table.object(Table.need(params, key)).entrySet().forEach(
                entry -> texts.put(entry.getKey(), entry.getValue().getAsString()));
        return texts;
    }

    /** An import of an instance that the host makes. */
    Import<I, G, M> imported(JsonObject item) {
        String module = Table.text(item, "module");
        String name = Table.text(item, "name");
        if (item.has("func")) {
            JsonObject type = Table.object(Table.need(item, "type"));
            HostFunction function = hostFunction(Table.text(item, "func"));
            return new Import.Function<>(module, name, function, Table.texts(type, "params"),
                    Table.texts(type, "results"));
        }
        if (item.has("instance")) {
            return new Import.Export<>(module, name, instance(item), Table.text(item, "export"));
        }
        if (item.has("global")) {
            G global = globalOf("instance.create", Table.object(item.get("global")));
            globals.add(global);
            return new Import.Global<>(module, name, global);
        }
        if (table.kind(Table.id(item, "object")) == Table.Kind.GLOBAL) {
            return new Import.Global<>(module, name, global(item, "object"));
        }
        return new Import.Memory<>(module, name, memory(item, "object"));
    }

    private G globalOf(String method, JsonObject described) {
        Value value = table.argument(described);
        boolean mutable = Table.flag(described, "mutable");
        return ask(method, () -> driver.globalCreate(value, mutable));
    }

    private JsonObject functionCall(int id, JsonObject params) {
        List<Value> args = table.arguments(Table.array(params, "args"));
        List<String> results = Table.texts(params, "results");
        Callable<List<Value>> call;
        if (params.has("function")) {
            F function = function(params);
            call = () -> driver.functionApply(function, args, results);
        } else {
            I instance = instance(params);
            String name = Table.text(params, "name");
            call = () -> driver.functionCall(instance, name, args, results);
        }
        List<Value> values = ask("function.call", call);
        if (values.size() != results.size()) {
            throw new IllegalStateException("the function gave " + values.size() + " values for " + results);
        }
        if (values.isEmpty()) {
            table.rememberNothing(id);
        } else {
            table.remember(id, values.get(0));
        }
        return Answers.values(values);
    }

    private JsonObject functionExport(int id, JsonObject params) {
        I instance = instance(params);
        String name = Table.text(params, "name");
        table.put(id, Table.Kind.FUNCTION, ask("function.export", () -> driver.functionExport(instance, name)));
        return new JsonObject();
    }

    private JsonObject globalCreate(int id, JsonObject params) {
        table.put(id, Table.Kind.GLOBAL, globalOf("global.create", params));
        return new JsonObject();
    }

    private JsonObject globalExport(int id, JsonObject params) {
        I instance = instance(params);
        String name = Table.text(params, "name");
        table.put(id, Table.Kind.GLOBAL, ask("global.export", () -> driver.globalExport(instance, name)));
        return new JsonObject();
    }

    private JsonObject globalGet(int id, JsonObject params) {
        G global = global(params, "global");
        String type = Table.text(params, "type");
        Value value = ask("global.get", () -> driver.globalGet(global, type));
        table.remember(id, value);
        return Answers.of("value", Answers.typed(value));
    }

    private JsonObject globalSet(int id, JsonObject params) {
        G global = global(params, "global");
        JsonObject given = Table.object(Table.need(params, "value"));
        if (given.has("host")) {
            throw Refused.notExpressible("a global is set to a value of its type");
        }
        Value value = table.argument(given);
        ask("global.set", () -> {
            driver.globalSet(global, value);
            return null;
        });
        return new JsonObject();
    }

    private JsonObject objectSame(int id, JsonObject params) {
        JsonArray objects = Table.array(params, "objects");
        boolean same = comparable(objects.get(0)) == comparable(objects.get(1));
        return Answers.of("same", new JsonPrimitive(same));
    }

    private Object comparable(JsonElement which) {
        Table.Kind kind = table.kind(Table.id(which));
        return table.object(kind == null ? Table.Kind.MEMORY : kind, Table.id(which));
    }

    /** Drop the objects that are named, or all but modules; with {@code store}, all but modules and views. */
    private JsonObject objectRelease(int id, JsonObject params) {
        boolean store = Table.flag(params, "store");
        if (!store && !Table.flag(params, "all")) {
            Table.array(params, "objects").forEach(item -> table.drop(Table.id(item)));
            return new JsonObject();
        }
        agents.endAll();
        table.dropIf((kind, object) -> kind != Table.Kind.MODULE && !(store && kind == Table.Kind.VIEW));
        globals.clear();
        if (!store) {
            table.forget();
        }
        ask("object.release", () -> {
            if (store) {
                driver.releaseStore();
            } else {
                driver.releaseAll();
            }
            return null;
        });
        return new JsonObject();
    }

    private JsonObject hostCollect(int id, JsonObject params) {
        System.gc();
        return new JsonObject();
    }

    // Host functions

    private HostFunction hostFunction(String token) {
        return arguments -> importCall(token, arguments);
    }

    /** Ask the harness, and meanwhile serve what it asks. */
    private List<Value> importCall(String token, List<Value> arguments) {
        importsCalled++;
        String id = "h" + importsCalled;
        JsonObject params = new JsonObject();
        params.addProperty("func", token);
        params.add("args", Answers.list(arguments));
        JsonObject request = new JsonObject();
        request.addProperty("jsonrpc", "2.0");
        request.addProperty("id", id);
        request.addProperty("method", "import.call");
        request.add("params", params);
        channel.send(request);
        JsonObject message = channel.receive();
        while (message.has("method")) {
            answer(message);
            message = channel.receive();
        }
        if (!message.get("id").getAsString().equals(id)) {
            Channel.defect(new IllegalStateException("the answer to " + id + " has id " + message.get("id")));
        }
        if (message.has("error")) {
            JsonObject error = message.getAsJsonObject("error");
            JsonObject data = Table.given(error, "data") ? error.getAsJsonObject("data") : new JsonObject();
            String kind = Table.given(data, "kind") ? Table.text(data, "kind") : "host";
            throw driver.hostError(kind, Table.text(error, "message"));
        }
        return table.arguments(Table.array(Table.object(Table.need(message, "result")), "values"));
    }

    // Objects, as the driver has them

    @SuppressWarnings("unchecked")
    P module(JsonObject params) {
        return (P) table.object(Table.Kind.MODULE, params, "module");
    }

    @SuppressWarnings("unchecked")
    I instance(JsonObject params) {
        return (I) table.object(Table.Kind.INSTANCE, params, "instance");
    }

    @SuppressWarnings("unchecked")
    private F function(JsonObject params) {
        return (F) table.object(Table.Kind.FUNCTION, params, "function");
    }

    @SuppressWarnings("unchecked")
    private G global(JsonObject params, String key) {
        return (G) table.object(Table.Kind.GLOBAL, params, key);
    }

    @SuppressWarnings("unchecked")
    M memory(JsonObject params, String key) {
        return (M) table.object(Table.Kind.MEMORY, params, key);
    }
}
