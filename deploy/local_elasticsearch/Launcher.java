import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.node.InternalSettingsPreparer;
import org.elasticsearch.node.Node;
import org.elasticsearch.plugins.PluginsLoader;

/** Runs one Elasticsearch node from the class path: {@code Launcher HOME key=value...}, for as long as standard input is open. */
final class Launcher {
    public static void main(String[] arguments) throws Exception {
        new Thread(Launcher::endWithParent, "parent-watch").start();
        var home = Path.of(arguments[0]);
        var settings = Settings.builder().put("path.home", home);
        for (int i = 1; i < arguments.length; i++) {
            var pair = arguments[i].split("=", 2);
            settings.put(pair[0], pair[1]);
        }
        var environment = InternalSettingsPreparer.prepareEnvironment(
            settings.build(), Map.of(), home.resolve("config"), () -> "local");
        LogConfigurator.registerErrorListener();
        LogConfigurator.configure(environment, true);
        var bundles = PluginsLoader.loadModulesBundles(environment.modulesDir());
        var node = new Node(environment, PluginsLoader.createPluginsLoader(bundles, Set.of(), Map.of(), false));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> close(node)));
        node.start();
    }

    /** The other end of standard input closes when the parent ends, however it ends: then nobody needs this node any more. */
    private static void endWithParent() {
        try {
            System.in.transferTo(OutputStream.nullOutputStream());
        } catch (IOException unreadable) {
            // as good as closed
        } finally {
            Runtime.getRuntime().halt(0);
        }
    }

    private static void close(Node node) {
        try {
            node.close();
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }
}
