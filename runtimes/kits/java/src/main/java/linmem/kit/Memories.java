package linmem.kit;

import com.google.gson.JsonObject;
import java.math.BigInteger;
import java.util.Base64;
import java.util.Map;
import java.util.concurrent.Callable;

/** The protocol's methods on memories and views. */
final class Memories<P, I, F, G, M> {
    private static final long PAGE = 65536;

    /** A view that a scenario keeps, and its kind. */
    private record Kept(View view, String kind) {}

    private final Driver<P, I, F, G, M> driver;
    private final Table table;

    Memories(Driver<P, I, F, G, M> driver, Table table) {
        this.driver = driver;
        this.table = table;
    }

    void addTo(Map<String, Session.Method> methods) {
        methods.put("memory.export", this::export);
        methods.put("memory.caller", this::caller);
        methods.put("memory.create", this::create);
        methods.put("object.use", this::use);
        addAccess(methods);
    }

    /** Add what an agent's own host may ask for too. */
    void addAccess(Map<String, Session.Method> methods) {
        methods.put("memory.size", this::size);
        methods.put("memory.grow", this::grow);
        methods.put("memory.read", this::read);
        methods.put("memory.write", this::write);
        methods.put("view.open", this::viewOpen);
        methods.put("view.length", this::viewLength);
        methods.put("view.read", this::viewRead);
        methods.put("view.write", this::viewWrite);
    }

    @SuppressWarnings("unchecked")
    private I instance(JsonObject params) {
        return (I) table.object(Table.Kind.INSTANCE, params, "instance");
    }

    @SuppressWarnings("unchecked")
    private M memory(JsonObject params) {
        return (M) table.object(Table.Kind.MEMORY, params, "memory");
    }

    private JsonObject export(int id, JsonObject params) {
        I instance = instance(params);
        String name = Table.text(params, "name");
        return made(id, Session.ask("memory.export", () -> driver.memoryExport(instance, name)));
    }

    private JsonObject caller(int id, JsonObject params) {
        String name = Table.text(params, "name");
        return made(id, Session.ask("memory.caller", () -> driver.memoryCaller(name)));
    }

    private JsonObject create(int id, JsonObject params) {
        BigInteger min = table.integer(params, "min");
        BigInteger max = table.optional(params, "max");
        if (params.has("page_size")) {
            throw new Refused("the host API makes no memory with pages of " + params.get("page_size") + " bytes");
        }
        boolean shared = Table.flag(params, "shared");
        String index = Table.text(params, "index");
        return made(id, Session.ask("memory.create", () -> driver.memoryCreate(min, max, shared, index)));
    }

    private JsonObject made(int id, M memory) {
        table.put(id, Table.Kind.MEMORY, memory);
        return new JsonObject();
    }

    private JsonObject size(int id, JsonObject params) {
        M memory = memory(params);
        long pageSize = params.has("page_size") ? table.integer(params, "page_size").longValue() : PAGE;
        return pages(id, Session.ask("memory.size", () -> driver.memorySize(memory, pageSize)));
    }

    private JsonObject grow(int id, JsonObject params) {
        M memory = memory(params);
        BigInteger delta = table.integer(params, "delta");
        return pages(id, Session.ask("memory.grow", () -> driver.memoryGrow(memory, delta)));
    }

    private JsonObject pages(int id, BigInteger pages) {
        table.remember(id, pages);
        return Answers.of("pages", pages);
    }

    // Views

    private JsonObject read(int id, JsonObject params) {
        return reading(id, params, "memory.read", () -> fresh(params));
    }

    private JsonObject write(int id, JsonObject params) {
        return written(params, "memory.write", () -> fresh(params));
    }

    private View fresh(JsonObject params) throws Exception {
        M memory = memory(params);
        return driver.viewOpen(memory, kind(params, Table.text(params, "type")), null, null);
    }

    /** The kind that a request names, or the default for the type. */
    private String kind(JsonObject params, String type) {
        String named = Table.optionalText(params, "view");
        return checked(named == null ? driver.description().defaultViews().get(type) : named, type);
    }

    private String checked(String kind, String type) {
        for (ViewKind known : driver.description().views()) {
            if (known.kind().equals(kind)) {
                if (type != null && !known.types().contains(type)) {
                    throw new Refused(kind + " does not do " + type);
                }
                return kind;
            }
        }
        throw new Refused("no view kind " + kind);
    }

    private JsonObject viewOpen(int id, JsonObject params) {
        if (params.has("view")) {
            table.object(Table.Kind.VIEW, params, "view");
            throw new Refused("the host API's views have no parts");
        }
        M memory = memory(params);
        String named = Table.optionalText(params, "kind");
        String kind = checked(named == null ? driver.description().defaultViews().get("u8") : named, null);
        BigInteger offset = table.optional(params, "offset");
        BigInteger length = table.optional(params, "length");
        View view = Session.ask("view.open", () -> driver.viewOpen(memory, kind, offset, length));
        table.put(id, Table.Kind.VIEW, new Kept(view, kind));
        return new JsonObject();
    }

    private Kept kept(JsonObject params) {
        return (Kept) table.object(Table.Kind.VIEW, params, "view");
    }

    private JsonObject viewLength(int id, JsonObject params) {
        Kept kept = kept(params);
        BigInteger length = BigInteger.valueOf(Session.ask("view.length", kept.view::length));
        table.remember(id, length);
        return Answers.of("length", length);
    }

    private JsonObject viewRead(int id, JsonObject params) {
        Kept kept = kept(params);
        checked(kept.kind, Table.text(params, "type"));
        return reading(id, params, "view.read", () -> kept.view);
    }

    private JsonObject viewWrite(int id, JsonObject params) {
        Kept kept = kept(params);
        checked(kept.kind, Table.text(params, "type"));
        return written(params, "view.write", () -> kept.view);
    }

    private JsonObject reading(int id, JsonObject params, String method, Callable<View> view) {
        BigInteger at = table.integer(params, "at");
        String type = Table.text(params, "type");
        BigInteger count = type.equals("bytes") ? table.integer(params, "count") : null;
        View opened = opened(method, view);
        Reading reading =
                Session.ask(method, () -> count == null ? opened.read(at, type) : opened.readBytes(at, count));
        if (reading instanceof Reading.Number number) {
            table.remember(id, number.value());
        } else {
            table.remember(id, Numbers.held(type, ((Reading.Bytes) reading).bytes()));
        }
        return Answers.reading(reading);
    }

    private JsonObject written(JsonObject params, String method, Callable<View> view) {
        BigInteger at = table.integer(params, "at");
        String type = Table.text(params, "type");
        JsonObject given = Table.object(Table.need(params, "value"));
        View opened = opened(method, view);
        Session.ask(method, () -> {
            if (given.has("host")) {
                opened.hand(at, type, hosts(given));
            } else if (type.equals("bytes")) {
                opened.writeBytes(at, Base64.getDecoder().decode(Table.text(given, "bytes")));
            } else {
                opened.write(at, table.value(given));
            }
            return null;
        });
        return new JsonObject();
    }

    /** The view to use; that a parameter is wrong is no answer of the runtime. */
    private static View opened(String method, Callable<View> view) {
        try {
            return view.call();
        } catch (Refused | Skipped | BadParams | Driver.MethodMissing own) {
            throw own;
        } catch (Throwable error) {
            throw new Failed(method, error);
        }
    }

    /** A value of Java's own. */
    private static Object hosts(JsonObject given) {
        return switch (Table.text(given, "host")) {
            case "float" -> Double.longBitsToDouble(Long.parseUnsignedLong(Table.text(given, "value")));
            case "integer" -> new BigInteger(Table.text(given, "value"));
            case "text" -> Table.text(given, "value");
            case "boolean" -> Table.flag(given, "value");
            default -> null;
        };
    }

    private JsonObject use(int id, JsonObject params) {
        throw new Refused("Java has no " + Table.text(params, "api"));
    }
}
