using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Processor.Configuration;
using Processor.Execution;
using Processor.Protocol;
using Processor.Runs;

namespace Processor.Verbs;

/// <summary><c>run</c>: one run in this process, without a host. Prints the envelope.</summary>
internal static class RunVerb
{
    private const int MaxInputs = 8 * 1024 * 1024;

    public static async Task<int> RunAsync(string[] args, TextWriter output, TextWriter errors, TextReader input)
    {
        var arguments = new Arguments(
            args,
            Verb.Names(
                "ref", "mode", "inputs", "inputs-json", "inputs-file", "write-prefix", "run-id", "timeout", "registry",
                "artifacts"),
            Verb.Names("json", "stream"));
        string reference = arguments.Need("ref");
        using JsonDocument inputs = await ReadAsync(arguments, input);
        IConfigurationRoot settings = Settings(arguments, reference);
        string? mode = arguments.Get("mode");
        await using ServiceProvider services = new ServiceCollection()
            .AddLogging(logging => logging.ClearProviders())
            .AddProcessor(settings)
            .BuildServiceProvider();
        ProcessorOptions options = Options(services);
        TimeProvider time = services.GetRequiredService<TimeProvider>();
        using var run = new Run(RunId(arguments), options.MaxLogFrames, time);
        run.TryStart("", Deadline(arguments, options));
        Task<RunOutcome> running = services.GetRequiredService<RunExecutor>().ExecuteAsync(
            run,
            ParsedRequest.Of(() => RunRequest.Parse(
                mode, inputs.RootElement, arguments.Get("write-prefix") ?? "", outputs: default)));
        if (arguments.Has("stream"))
        {
            await StreamAsync(run, running, errors);
        }

        RunOutcome outcome = await running;
        Verb.Write(output, json => FrameWriter.WriteEnvelope(json, outcome));
        return outcome.IsSuccess ? 0 : 1;
    }

    private static IConfigurationRoot Settings(Arguments arguments, string reference)
    {
        IConfigurationRoot settings = Verb.Settings();
        var given = new Dictionary<string, string?>
        {
            ["Processor:Ref"] = reference,
            ["Processor:Registry"] = Verb.RegistryFolder(arguments),
            ["Processor:Mock:TokenDelay"] = arguments.Has("stream") ? null : "00:00:00",
        };
        if (arguments.Get("artifacts") is { } folder)
        {
            given["Processor:Artifacts:Directory"] = Path.GetFullPath(folder);
        }

        if (settings["LITELLM_API_BASE"] is { Length: > 0 } address)
        {
            given["Coach:Llm:OpenAICompatible:BaseUrl"] = address;
        }

        return new ConfigurationBuilder()
            .AddConfiguration(settings)
            .AddInMemoryCollection(given.Where(pair => pair.Value is not null))
            .Build();
    }

    private static ProcessorOptions Options(ServiceProvider services)
    {
        try
        {
            return services.GetRequiredService<IOptions<ProcessorOptions>>().Value;
        }
        catch (OptionsValidationException wrong)
        {
            throw new ProcessorException(RunErrors.Validation, wrong.Message);
        }
    }

    private static async Task<JsonDocument> ReadAsync(Arguments arguments, TextReader input)
    {
        string text = arguments.Get("inputs-json") ?? "";
        if (arguments.Get("inputs-file") is { } file)
        {
            text = ReadFile(file);
        }
        else if (arguments.Get("inputs") is { } inline)
        {
            text = inline == "-" ? await input.ReadToEndAsync() : inline;
        }

        if (text.Length is 0 or > MaxInputs)
        {
            throw new ProcessorException(
                RunErrors.Inputs, "Give inputs as JSON of at most 8 MiB: --inputs-json, --inputs-file or --inputs -.");
        }

        try
        {
            return JsonDocument.Parse(text);
        }
        catch (JsonException)
        {
            throw new ProcessorException(RunErrors.Inputs, "The inputs are not JSON.");
        }
    }

    private static string ReadFile(string path)
    {
        try
        {
            return new FileInfo(path).Length <= MaxInputs ? File.ReadAllText(path) : "";
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new ProcessorException(RunErrors.Inputs, $"{path} cannot be read.");
        }
    }

    private static string RunId(Arguments arguments)
    {
        string id = arguments.Get("run-id") ?? Guid.NewGuid().ToString("D");
        return id.Length is > 0 and <= 128 && id is not ("." or "..")
            && id.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.')
                ? id
                : throw new ProcessorException(
                    RunErrors.Inputs, "--run-id has 1 to 128 letters, digits, '-', '_' and '.'.");
    }

    private static TimeSpan Deadline(Arguments arguments, ProcessorOptions options)
    {
        if (arguments.Get("timeout") is not { } text)
        {
            return options.DefaultDeadline;
        }

        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int seconds) && seconds > 0
            ? TimeSpan.FromSeconds(Math.Clamp(seconds, options.MinDeadline.TotalSeconds, options.MaxDeadline.TotalSeconds))
            : throw new ProcessorException(RunErrors.Inputs, "--timeout is a whole number of seconds above 0.");
    }

    // Tokens as they come, for people: the envelope alone goes to the output.
    private static async Task StreamAsync(Run run, Task running, TextWriter errors)
    {
        long position = 0;
        while (true)
        {
            (RunFrame? frame, _, Task more) = run.Frames.Next(position);
            if (frame is null)
            {
                if (running.IsCompleted)
                {
                    await errors.WriteLineAsync();
                    return;
                }

                await Task.WhenAny(more, running);
                continue;
            }

            position = frame.Sequence;
            if (frame.Kind == FrameKind.Token)
            {
                using JsonDocument token = JsonDocument.Parse(frame.Content);
                await errors.WriteAsync(token.RootElement.GetProperty("text").GetString());
                await errors.FlushAsync();
            }
        }
    }
}
