package linmem.kit;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.math.BigInteger;
import java.util.Base64;
import java.util.List;

/** Answers as JSON. */
final class Answers {
    private static final int REFUSED = -32000;
    private static final int METHOD_NOT_FOUND = -32601;
    private static final int INVALID_PARAMS = -32602;
    private static final int TEXT_LIMIT = 8192; // characters of the runtime's own words

    private Answers() {}

    static JsonObject of(String key, JsonElement value) {
        JsonObject answer = new JsonObject();
        answer.add(key, value);
        return answer;
    }

    /** An integer: a JSON integer, or a decimal string beyond 2**53; null as it is. */
    static JsonObject of(String key, BigInteger number) {
        JsonObject answer = new JsonObject();
        if (number != null && !Numbers.safe(number)) {
            answer.addProperty(key, number.toString());
        } else {
            answer.addProperty(key, number);
        }
        return answer;
    }

    static JsonObject typed(Value value) {
        JsonObject typed = new JsonObject();
        typed.addProperty("type", value.type());
        typed.addProperty("value", value.number().toString());
        return typed;
    }

    static JsonObject values(List<Value> values) {
        return of("values", list(values));
    }

    static JsonArray list(List<Value> values) {
        JsonArray list = new JsonArray();
        values.forEach(value -> list.add(typed(value)));
        return list;
    }

    static JsonObject reading(Reading reading) {
        if (reading instanceof Reading.Bytes given) {
            return of("bytes", new JsonPrimitive(Base64.getEncoder().encodeToString(given.bytes())));
        }
        return of("value", typed(((Reading.Number) reading).value()));
    }

    /** The error object for what came out of a method of the protocol; a defect of the driver is thrown on. */
    static JsonObject error(Driver<?, ?, ?, ?, ?> driver, String method, RuntimeException error) {
        if (error instanceof Failed failed) {
            return runtime(driver, failed.method, failed.getCause());
        } else if (error instanceof Refused refused) {
            return refused(refused);
        } else if (error instanceof Skipped skipped) {
            return own("skipped", skipped);
        } else if (error instanceof BadParams wrong) {
            return Channel.error(INVALID_PARAMS, method + ": " + wrong.getMessage(), null);
        } else if (error instanceof Driver.MethodMissing) {
            return Channel.error(METHOD_NOT_FOUND, "no method " + method, null);
        }
        throw error;
    }

    /** A refusal of the driver's own. */
    private static JsonObject refused(Refused refused) {
        JsonObject error = own("unsupported", refused);
        if (!refused.expressible) {
            error.getAsJsonObject("data").addProperty("expressible", false);
        }
        return error;
    }

    private static JsonObject own(String kind, RuntimeException error) {
        JsonObject data = new JsonObject();
        data.addProperty("kind", kind);
        data.addProperty("type", error.getClass().getSimpleName());
        data.addProperty("message", error.getMessage());
        data.addProperty("text", "");
        return Channel.error(REFUSED, error.getMessage(), data);
    }

    /** An exception that came out of the runtime. A host function's own is {@code host}, whatever called it. */
    private static JsonObject runtime(Driver<?, ?, ?, ?, ?> driver, String method, Throwable error) {
        Failure failure = error instanceof HostThrow || error instanceof Told
                ? new Failure("host", error.getMessage())
                : driver.classify(method, error);
        String text = error.getMessage() == null ? error.toString() : error.getMessage();
        String message = failure.message() == null || failure.message().isEmpty() ? text : failure.message();
        JsonObject data = new JsonObject();
        data.addProperty("kind", failure.kind());
        data.addProperty("type", error instanceof Told told ? told.value : error.getClass().getSimpleName());
        data.addProperty("message", clipped(message));
        data.addProperty("text", clipped(text));
        if (!failure.messages().isEmpty()) {
            JsonArray messages = new JsonArray();
            failure.messages().forEach(messages::add);
            data.add("messages", messages);
        }
        return Channel.error(REFUSED, clipped(message), data);
    }

    private static String clipped(String text) {
        return text.length() <= TEXT_LIMIT
                ? text
                : text.substring(0, TEXT_LIMIT) + " … (" + text.length() + " characters)";
    }
}
