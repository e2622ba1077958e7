using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coach.Abstractions;
using Coach.Llm;
using Coach.Usage;
using Microsoft.Extensions.Options;
using Processor.Configuration;
using Processor.Registry;
using Processor.Runs;

namespace Processor.Execution;

/// <summary>Takes a run from its inputs to its outcome. Whatever happens, there is an outcome, and it says nothing of
/// exceptions or providers' texts.</summary>
internal sealed class RunExecutor(
    IOptions<ProcessorOptions> options,
    IConfiguration configuration,
    MockRunner mock,
    ProviderRunner provider,
    ArtifactStore artifacts,
    ISecretSource secrets,
    RegistryPrices prices,
    TimeProvider time,
    ILogger<RunExecutor> logger)
{
    private const string ReplyName = "outputs/text/response.txt";
    private const string UsageName = "usage";

    private readonly ProcessorOptions _options = options.Value;
    private volatile RegistryFile? _registry;

    /// <summary>Runs to the end: within the deadline, or within the grace after the run was told to stop.</summary>
    public async Task<RunOutcome> ExecuteAsync(Run run, ParsedRequest asked)
    {
        var progress = new Progress(run.Id, time.GetTimestamp());
        Task<RunOutcome> work = WorkAsync(run, asked, progress);
        await Task.WhenAny(work, run.Stopped);
        if (!work.IsCompleted)
        {
            await Task.WhenAny(work, Task.Delay(_options.PreemptGrace, time));
            if (!work.IsCompleted)
            {
                logger.RunCut(run.Id, _options.PreemptGrace.TotalSeconds);
            }
        }

        RunOutcome outcome = run.Reason == StopReason.None ? await work : StopOutcome(run.Reason);
        return outcome with
        {
            RunId = run.Id,
            Mode = progress.Mode == RunMode.Real ? "real" : "mock",
            CostMicro = progress.CostMicro,
            IsCostKnown = progress.IsCostKnown,
            InputTokens = progress.InputTokens,
            OutputTokens = progress.OutputTokens,
            ImageDigest = ImageDigest,
            EnvFingerprint = progress.EnvFingerprint,
            Duration = time.GetElapsedTime(progress.Started),
            FirstToken = progress.FirstToken,
        };
    }

    private string ImageDigest =>
        configuration["IMAGE_DIGEST"] is { } digest && !string.IsNullOrWhiteSpace(digest) ? digest.Trim() : "unknown";

    private async Task<RunOutcome> WorkAsync(Run run, ParsedRequest asked, Progress progress)
    {
        try
        {
            RegistryFile registry = RegistryFile.Load(_options.Registry, _options.Ref, _registry);
            _registry = registry;
            prices.Use(registry.Prices);
            bool isContainer = configuration.GetValue("DOTNET_RUNNING_IN_CONTAINER", false);
            progress.EnvFingerprint = EnvFingerprint.Of(registry, RunMode.Mock, secrets, isContainer);
            RunRequest request = asked.Get();
            progress.Mode = request.Mode;
            progress.EnvFingerprint = EnvFingerprint.Of(registry, request.Mode, secrets, isContainer);
            CheckMode(request, registry);
            string prefix = ArtifactStore.Prefix(request.WritePrefix, run.Id);
            foreach (string target in request.Outputs.Values)
            {
                artifacts.Check(target, request.Mode == RunMode.Real);
            }

            IEnumerable<string> urls = request.Mode == RunMode.Real ? request.Uploads.Values : [];
            foreach (string url in urls)
            {
                artifacts.CheckUpload(url);
            }

            run.Emit(FrameKind.Event, json => json.WriteString("phase", "started"));
            run.Emit(FrameKind.Log, json =>
            {
                json.WriteString("level", "info");
                json.WriteString("msg", request.Mode == RunMode.Real
                    ? "Real run: a model answers, and its cost is counted."
                    : "Mock run: no secret, no network, no cost.");
            });
            string text = await StreamAsync(run, request, registry, progress);
            RunOutcome outcome = await WriteAsync(run, request, prefix, text, progress);
            run.Emit(FrameKind.Event, json => json.WriteString("phase", "completed"));
            return outcome;
        }
        catch (ProcessorException failure)
        {
            return Failed(run, failure.Code, failure.Message);
        }
        catch (UsageException failure) when (failure.Error == UsageError.LimitReached)
        {
            return Failed(run, RunErrors.BudgetExceeded, failure.Message);
        }
        catch (LlmException failure)
        {
            // Its messages repeat no sentence of a server.
            return Failed(run, RunErrors.Provider, failure.Message);
        }
        catch (OperationCanceledException) when (run.StopToken.IsCancellationRequested)
        {
            return StopOutcome(run.Reason);
        }
        catch (Exception failure)
        {
            logger.RunFailed(run.Id, failure.GetType().Name);
            return Failed(run, RunErrors.Runtime, "The run failed inside the processor; its log says where.");
        }
    }

    private void CheckMode(RunRequest request, RegistryFile registry)
    {
        if (request.Mode == RunMode.Mock)
        {
            return;
        }

        if (configuration.GetValue("CI", false) && !_options.AllowRealInCi)
        {
            throw new ProcessorException(
                RunErrors.CiSafety,
                "Real runs are off where CI is true: they cost money. Run in mode mock, or set Processor:AllowRealInCi.");
        }

        if (_options.RequirePinnedImage && !registry.IsPinned)
        {
            throw new ProcessorException(
                RunErrors.ImageUnpinned, $"An image of {registry.Ref} is not pinned by digest; pin it in its registry file.");
        }

        bool isKnownImage = ImageDigest == "unknown"
            || registry.Images.Count == 0
            || registry.Images.Values.Any(image => image.EndsWith('@' + ImageDigest, StringComparison.Ordinal));
        if (_options.RequirePinnedImage && !isKnownImage)
        {
            throw new ProcessorException(
                RunErrors.RegistryMismatch,
                $"This host runs {ImageDigest}, which is not what the registry file of {registry.Ref} pins.");
        }

        IReadOnlyList<string> missing = secrets.FindMissing(registry.Secrets, RunMode.Real);
        if (missing.Count > 0)
        {
            throw new ProcessorException(
                RunErrors.MissingSecret,
                $"No value for {string.Join(", ", missing)}. Set the variable of that name, or mount /run/secrets/NAME.");
        }
    }

    private async Task<string> StreamAsync(Run run, RunRequest request, RegistryFile registry, Progress progress)
    {
        IModelRunner runner = request.Mode == RunMode.Real ? provider : mock;
        ModelPrice? price = registry.Prices.Find(
            ProviderNames.OpenAI, request.Model.Length > 0 ? request.Model : registry.Model, time.GetUtcNow());
        progress.IsCostKnown = request.Mode == RunMode.Mock || price is not null;
        var text = new StringBuilder();
        int bytes = 0;
        int tokens = 0;
        await run.WaitWhilePausedAsync(run.StopToken);
        await foreach (ModelChunk chunk in runner.RunAsync(request, registry, run.StopToken))
        {
            await run.WaitWhilePausedAsync(run.StopToken);
            run.StopToken.ThrowIfCancellationRequested();
            progress.Use(chunk, price);

            // Providers tell the usage last; until then each piece counts as one token.
            long soFar = price is null || progress.Mode == RunMode.Mock
                ? 0
                : price.CostOf(new UsageCounts { Output = tokens }).Micros;
            long cost = Math.Max(progress.CostMicro, soFar);
            if (run.Budget.CostMicro is { } most && cost > most && run.Stop(StopReason.CostBudget))
            {
                break;
            }

            if (chunk.Text.Length == 0)
            {
                continue;
            }

            if (run.Budget.Tokens is { } limit && tokens >= limit && run.Stop(StopReason.TokenBudget))
            {
                break;
            }

            bytes += Encoding.UTF8.GetByteCount(chunk.Text);
            if (bytes > _options.MaxOutputBytes || ++tokens > _options.MaxTokens)
            {
                throw new ProcessorException(
                    RunErrors.Runtime,
                    string.Create(CultureInfo.InvariantCulture,
                        $"The answer is longer than {_options.MaxOutputBytes} bytes or {_options.MaxTokens} pieces."));
            }

            progress.FirstToken ??= time.GetElapsedTime(progress.Started);
            progress.Pieces = tokens;
            text.Append(chunk.Text);
            run.Frames.Append(FrameKind.Token, FrameContent.Token(chunk.Text));
        }

        run.StopToken.ThrowIfCancellationRequested();
        return text.ToString();
    }

    private async Task<RunOutcome> WriteAsync(
        Run run, RunRequest request, string prefix, string text, Progress progress)
    {
        byte[] answer = Encoding.UTF8.GetBytes(text);
        OutputFile reply = await WriteOwnAsync(run, request, prefix, ReplyName, answer, "text/plain");
        var files = new List<OutputFile> { reply };
        var named = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach ((string key, string target) in request.Outputs.Where(output => output.Key != ArtifactStore.IndexName))
        {
            if (ArtifactStore.IsUrl(target) && request.Mode == RunMode.Mock)
            {
                // No network: it stays where it lies, and the answer says where that is.
                named[key] = reply.Path;
                continue;
            }

            (byte[] content, string mime) = key == UsageName
                ? (progress.UsageAsJson(), "application/json")
                : (answer, "text/plain");
            OutputFile file = ArtifactStore.IsUrl(target)
                ? await artifacts.UploadAsync(target, content, mime, run.StopToken)
                : await artifacts.WriteAsync(target, content, mime, run.StopToken);
            files.Add(file);
            named[key] = file.Path;
        }

        if (request.Outputs.Count == 0)
        {
            named["response"] = reply.Path;
        }

        // Last: who finds the index finds everything that it names.
        byte[] list = ArtifactStore.Index(files);
        OutputFile index = await WriteOwnAsync(run, request, prefix, ArtifactStore.IndexName, list, "application/json");
        if (request.Outputs.TryGetValue(ArtifactStore.IndexName, out string? indexTarget))
        {
            named[ArtifactStore.IndexName] = index.Path;
            if (!ArtifactStore.IsUrl(indexTarget))
            {
                named[ArtifactStore.IndexName] =
                    (await artifacts.WriteAsync(indexTarget, list, "application/json", run.StopToken)).Path;
            }
            else if (request.Mode == RunMode.Real)
            {
                named[ArtifactStore.IndexName] =
                    (await artifacts.UploadAsync(indexTarget, list, "application/json", run.StopToken)).Path;
            }
        }

        return new RunOutcome { RunId = progress.RunId, Outputs = files, IndexPath = index.Path, Named = named };
    }

    // A file of the run's own: where it is sent as well, it is told by its path, never by the URL.
    private async Task<OutputFile> WriteOwnAsync(
        Run run, RunRequest request, string prefix, string name, byte[] content, string mime)
    {
        OutputFile file = await artifacts.WriteAsync(prefix + name, content, mime, run.StopToken);
        if (request.Mode == RunMode.Real && request.Uploads.TryGetValue(name, out string? url))
        {
            await artifacts.UploadAsync(url, content, mime, run.StopToken);
        }

        return file;
    }

    private static RunOutcome Failed(Run run, string code, string message) =>
        new() { RunId = run.Id, ErrorCode = code, ErrorMessage = message };

    private static RunOutcome StopOutcome(StopReason reason)
    {
        (string code, string message) = reason switch
        {
            StopReason.Preempted => (RunErrors.Preempted, "The run was preempted."),
            StopReason.TimeBudget => (RunErrors.BudgetExceeded, "The run used up its budget of time."),
            StopReason.TokenBudget => (RunErrors.BudgetExceeded, "The run used up its budget of tokens."),
            StopReason.CostBudget => (RunErrors.BudgetExceeded, "The run used up its budget of money."),
            _ => (RunErrors.Timeout, "The run did not end before its deadline."),
        };
        return new RunOutcome { RunId = "", ErrorCode = code, ErrorMessage = message };
    }

    /// <summary>What a run used so far; it is told whichever way the run ends.</summary>
    private sealed class Progress(string runId, long started)
    {
        public string RunId { get; } = runId;

        public long Started { get; } = started;

        public RunMode Mode { get; set; }

        public string EnvFingerprint { get; set; } = "";

        public bool IsCostKnown { get; set; } = true;

        public long CostMicro { get; private set; }

        public long? InputTokens { get; private set; }

        public long? OutputTokens { get; private set; }

        public TimeSpan? FirstToken { get; set; }

        public int Pieces { get; set; }

        /// <summary>
        /// Tokens as chat completions name them; where nobody counted them, 0 and the pieces of the answer.
        /// </summary>
        public byte[] UsageAsJson() => JsonSerializer.SerializeToUtf8Bytes(
            new JsonObject { ["prompt_tokens"] = InputTokens ?? 0, ["completion_tokens"] = OutputTokens ?? Pieces });

        public void Use(ModelChunk chunk, ModelPrice? price)
        {
            if (chunk.Usage is not { } usage)
            {
                return;
            }

            (InputTokens, OutputTokens) = (usage.TotalInput, usage.TotalOutput);
            if (price is not null && Mode == RunMode.Real)
            {
                CostMicro = price.CostOf(usage).Micros;
            }
        }
    }
}
