package linmem.kit;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.BiPredicate;

/** Objects and results by request id, and the parameters that refer to them. */
final class Table {
    /** What kind of object a request made. */
    enum Kind {
        MODULE, INSTANCE, FUNCTION, GLOBAL, MEMORY, VIEW, AGENTS
    }

    private record Entry(Kind kind, Object object) {}

    private final Map<Integer, Entry> objects = new HashMap<>();
    private final Map<Integer, BigInteger> results = new HashMap<>();
    private final Set<Integer> failed = new HashSet<>();
    private final Set<Integer> failedModules = new HashSet<>(); // as long-lived as modules

    /** A table of an agent's own, with the memories and views that there are. */
    Table forAgent() {
        Table own = new Table();
        objects.forEach((id, entry) -> {
            if (entry.kind == Kind.MEMORY || entry.kind == Kind.VIEW) {
                own.objects.put(id, entry);
            }
        });
        own.failed.addAll(failed);
        return own;
    }

    void put(int id, Kind kind, Object object) {
        objects.put(id, new Entry(kind, object));
    }

    /** Remember a request's first value for references; null where it is no number. */
    void remember(int id, BigInteger result) {
        results.put(id, result);
    }

    /** Remember a value as references use it: an unsigned integer of its type's width. */
    void remember(int id, Value value) {
        remember(id, Numbers.unsigned(value.type(), value.number()));
    }

    void rememberNothing(int id) {
        results.put(id, null);
    }

    void failed(int id, boolean module) {
        (module ? failedModules : failed).add(id);
    }

    /** Drop one object. */
    void drop(int id) {
        objects.remove(id);
    }

    /** Drop the objects that the predicate names. */
    void dropIf(BiPredicate<Kind, Object> dropped) {
        objects.values().removeIf(entry -> dropped.test(entry.kind, entry.object));
    }

    /** Forget every result, and which requests failed. */
    void forget() {
        results.clear();
        failed.clear();
    }

    Object object(Kind kind, int id) {
        Entry entry = objects.get(id);
        if (entry != null && entry.kind == kind) {
            return entry.object;
        }
        if (failed.contains(id) || failedModules.contains(id)) {
            throw new Skipped("request " + id + " made no " + kind.name().toLowerCase(Locale.ROOT));
        }
        throw new BadParams("no " + kind.name().toLowerCase(Locale.ROOT) + " " + id);
    }

    /** The kind of the object that a request made, or null. */
    Kind kind(int id) {
        Entry entry = objects.get(id);
        return entry == null ? null : entry.kind;
    }

    Object object(Kind kind, JsonObject params, String key) {
        return object(kind, id(params, key));
    }

    // Parameters

    static JsonElement need(JsonObject params, String key) {
        JsonElement value = params.get(key);
        if (value == null) {
            throw new BadParams("no '" + key + "'");
        }
        return value;
    }

    static boolean given(JsonObject params, String key) {
        JsonElement value = params.get(key);
        return value != null && !value.isJsonNull();
    }

    static String text(JsonObject params, String key) {
        if (need(params, key) instanceof JsonPrimitive value && value.isString()) {
            return value.getAsString();
        }
        throw new BadParams("'" + key + "' is no text");
    }

    /** A text, or null where there is none. */
    static String optionalText(JsonObject params, String key) {
        return given(params, key) ? text(params, key) : null;
    }

    static boolean flag(JsonObject params, String key) {
        return params.get(key) instanceof JsonPrimitive value && value.isBoolean() && value.getAsBoolean();
    }

    static int id(JsonObject params, String key) {
        return id(need(params, key));
    }

    static int id(JsonElement value) {
        if (value instanceof JsonPrimitive number && number.isNumber()) {
            return number.getAsInt();
        }
        throw new BadParams("an object's id is an integer, not " + value);
    }

    static JsonObject object(JsonElement value) {
        if (value instanceof JsonObject object) {
            return object;
        }
        throw new BadParams("expected an object, got " + value);
    }

    static JsonArray array(JsonObject params, String key) {
        JsonElement value = params.get(key);
        return value instanceof JsonArray array ? array : new JsonArray();
    }

    static List<String> texts(JsonObject params, String key) {
        List<String> texts = new ArrayList<>();
        array(params, key).forEach(item -> texts.add(item.getAsString()));
        return texts;
    }

    /** An address, a count or a number of pages: an integer, decimal text, or a reference. */
    BigInteger integer(JsonObject params, String key) {
        return integer(need(params, key));
    }

    BigInteger optional(JsonObject params, String key) {
        return given(params, key) ? integer(params, key) : null;
    }

    private BigInteger integer(JsonElement value) {
        if (value instanceof JsonObject reference) {
            return referred(reference);
        }
        try {
            return new BigInteger(value.getAsString());
        } catch (NumberFormatException | UnsupportedOperationException | IllegalStateException error) {
            throw new BadParams("expected an integer, got " + value);
        }
    }

    private BigInteger referred(JsonObject reference) {
        int id = id(reference, "$ref");
        if (failed.contains(id)) {
            throw new Skipped("request " + id + " failed");
        }
        if (!results.containsKey(id)) {
            throw new BadParams("no result of request " + id);
        }
        BigInteger result = results.get(id);
        if (result == null) {
            throw new Skipped("request " + id + " gave no number");
        }
        return reference.has("+") ? result.add(integer(reference, "+")) : result;
    }

    /** A typed value whose number may be a reference. */
    Value value(JsonObject typed) {
        return new Value(text(typed, "type"), integer(typed, "value"));
    }

    /** A typed value for a guest. */
    Value argument(JsonElement typed) {
        Value value = value(object(typed));
        if (!Set.of("i32", "i64", "f32", "f64").contains(value.type())) {
            throw new Refused("the driver passes no " + value.type() + " values");
        }
        return value;
    }

    List<Value> arguments(JsonArray typed) {
        List<Value> values = new ArrayList<>();
        typed.forEach(item -> values.add(argument(item)));
        return values;
    }
}
