using System.Collections.Frozen;
using System.Text.Json;
using Processor.Registry;

namespace Processor.Verbs;

/// <summary>
/// The commands of the processor. Each writes one JSON object to the output and ends with 0, or with 1 where it found
/// what it looks for, or could not do what it was asked. People's text goes to the error stream.
/// </summary>
internal static class Verb
{
    private const string Help = """
        name REF --env dev|staging|main [--branch B] [--user U]     the app's name
        pin --ref R [--platform amd64|arm64 --oci IMAGE@sha256:…]   writes or shows the images of the registry file
        verify-digest --ref R --oci IMAGE@sha256:…                  whether that is what is pinned
        secrets check --ref R [--fail-on-missing]                   which secrets have a value
        secrets sync --ref R --target env|docker|kubernetes|modal [--out PATH] [--namespace N] [--fail-on-missing]
        run --ref R --mode mock|real --inputs-json J | --inputs-file F | --inputs - [--write-prefix P] [--stream]
        status [--ref R] [--url http://HOST:PORT]                   whether a host answers, and with which image
        Everywhere: --registry DIR, the folder of registry files.
        """;

    public static async Task<int> RunAsync(string[] args, TextWriter output, TextWriter errors, TextReader input)
    {
        try
        {
            return args[0] switch
            {
                "name" => Name(args[1..], output),
                "pin" => PinVerb.Pin(args[1..], output),
                "verify-digest" => PinVerb.Verify(args[1..], output),
                "secrets" => SecretsVerb.Run(args[1..], output),
                "run" => await RunVerb.RunAsync(args[1..], output, errors, input),
                "status" => await StatusVerb.RunAsync(args[1..], output),
                "help" => Show(output),
                _ => throw new ProcessorException(
                    RunErrors.Inputs, "There is no such verb; 'help' lists name, pin, verify-digest, secrets, run, status."),
            };
        }
        catch (ProcessorException failure)
        {
            WriteError(output, failure.Code, failure.Message);
            return 1;
        }
    }

    public static FrozenSet<string> Names(params string[] names) => names.ToFrozenSet(StringComparer.Ordinal);

    /// <summary>The folder of registry files: the argument, the configuration, or the one beside the program.</summary>
    public static string RegistryFolder(Arguments arguments) => Path.GetFullPath(
        arguments.Get("registry")
        ?? Settings()["Processor:Registry"]
        ?? Path.Combine(AppContext.BaseDirectory, "registry"));

    /// <summary>The settings of this program, as the host reads them.</summary>
    public static IConfigurationRoot Settings() => new ConfigurationBuilder()
        .AddJsonFile(Path.Combine(AppContext.BaseDirectory, "appsettings.json"), optional: true)
        .AddEnvironmentVariables()
        .Build();

    /// <summary>Writes one object on one line.</summary>
    public static void Write(TextWriter output, Action<Utf8JsonWriter> write)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        output.WriteLine(System.Text.Encoding.UTF8.GetString(stream.ToArray()));
    }

    public static void WriteNames(Utf8JsonWriter json, string property, IEnumerable<string> names)
    {
        json.WriteStartArray(property);
        foreach (string name in names)
        {
            json.WriteStringValue(name);
        }

        json.WriteEndArray();
    }

    private static int Name(string[] args, TextWriter output)
    {
        var arguments = new Arguments(args, Names("env", "branch", "user", "ref", "registry"), Names("json"));
        string reference = arguments.Alone.Count == 1 ? arguments.Alone[0] : arguments.Need("ref");
        if (!ProcessorRef.TryParse(reference, out ProcessorRef? parsed))
        {
            throw new ProcessorException(RunErrors.Inputs, "A processor is named like llm/litellm@1.");
        }

        string environment = arguments.Get("env") ?? "dev";
        if (environment is not ("dev" or "staging" or "main"))
        {
            throw new ProcessorException(RunErrors.Inputs, "--env is dev, staging or main.");
        }

        string app = parsed.AppName(environment, arguments.Get("branch"), arguments.Get("user"));
        Write(output, json =>
        {
            json.WriteString("ref", parsed.ToString());
            json.WriteString("env", environment);
            json.WriteString("slug", parsed.Slug);
            json.WriteString("app", app);
            json.WriteString("module", $"{parsed.Slug}-{environment}");
            json.WriteString("function", "run");
        });
        return 0;
    }

    private static int Show(TextWriter output)
    {
        output.WriteLine(Help);
        return 0;
    }

    private static void WriteError(TextWriter output, string code, string message) => Write(output, json =>
    {
        json.WriteString("status", "error");
        json.WriteString("code", code);
        json.WriteString("message", message);
    });
}
