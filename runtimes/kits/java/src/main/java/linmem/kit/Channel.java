package linmem.kit;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/**
 * The protocol's two ends: requests from standard input, answers to standard output.
 *
 * <p>Afterwards {@link System#out} leads to standard error and {@link System#in} to nothing, so that neither the
 * runtime nor a guest writes into the protocol or reads from it.
 */
public final class Channel {
    private static final int DEFECT = 70;

    private final FileInputStream in = new FileInputStream(FileDescriptor.in);
    private final FileOutputStream out = new FileOutputStream(FileDescriptor.out);
    private final byte[] buffer = new byte[65536];
    private int next;
    private int end;

    /** Make it before the runtime is touched. */
    public Channel() {
        System.setOut(System.err);
        System.setIn(new ByteArrayInputStream(new byte[0]));
    }

    /** The next message. At the end of input the process ends with status 0, wherever it is. */
    JsonObject receive() {
        while (true) {
            String line = line();
            try {
                JsonElement message = JsonParser.parseString(line);
                if (message.isJsonObject() && message.getAsJsonObject().has("id")) {
                    return message.getAsJsonObject();
                }
                sendError(null, -32600, "not one JSON-RPC request or answer", null);
            } catch (JsonParseException error) {
                sendError(null, -32700, "not JSON: " + error.getMessage(), null);
            }
        }
    }

    private String line() {
        ByteArrayOutputStream begun = null;
        while (true) {
            for (int i = next; i < end; i++) {
                if (buffer[i] == '\n') {
                    String line = finished(begun, i);
                    next = i + 1;
                    return line;
                }
            }
            if (next < end) {
                begun = begun == null ? new ByteArrayOutputStream() : begun;
                begun.write(buffer, next, end - next);
            }
            next = 0;
            end = read();
        }
    }

    private String finished(ByteArrayOutputStream begun, int newline) {
        if (begun == null) {
            return new String(buffer, next, newline - next, StandardCharsets.UTF_8);
        }
        begun.write(buffer, next, newline - next);
        return begun.toString(StandardCharsets.UTF_8);
    }

    private int read() {
        try {
            int count = in.read(buffer);
            if (count < 0) {
                leave(0);
            }
            return count;
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    /** Write one message, at once: when the process dies, the last answer says which step it died after. */
    void send(JsonObject message) {
        try {
            out.write((message + "\n").getBytes(StandardCharsets.UTF_8));
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    void sendResult(int id, JsonObject result) {
        JsonObject answer = new JsonObject();
        answer.addProperty("jsonrpc", "2.0");
        answer.addProperty("id", id);
        answer.add("result", result);
        send(answer);
    }

    void sendError(Integer id, int code, String message, JsonObject data) {
        JsonObject answer = new JsonObject();
        answer.addProperty("jsonrpc", "2.0");
        answer.addProperty("id", id);
        answer.add("error", error(code, message, data));
        send(answer);
    }

    /** An error object; {@code data} may be null. */
    static JsonObject error(int code, String message, JsonObject data) {
        JsonObject error = new JsonObject();
        error.addProperty("code", code);
        error.addProperty("message", message);
        if (data != null) {
            error.add("data", data);
        }
        return error;
    }

    /** End the process because of a defect of the driver's own. */
    static void defect(Throwable error) {
        error.printStackTrace();
        leave(DEFECT);
    }

    /** End the process from anywhere, also from inside a guest's call, where an exception would be caught. */
    static void leave(int status) {
        System.err.flush();
        Runtime.getRuntime().halt(status);
    }
}
