using System.Globalization;
using System.Net.WebSockets;
using System.Text.Json;
using Coach;
using Coach.Abstractions;
using Coach.Usage;
using Microsoft.AspNetCore.HostFiltering;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using OpenTelemetry.Metrics;
using Processor.Configuration;
using Processor.Execution;
using Processor.Protocol;
using Processor.Registry;
using Processor.Runs;

namespace Processor;

/// <summary>Puts the host together: services, <c>/healthz</c>, <c>/run</c>, and what happens when it stops.</summary>
internal static class ProcessorHost
{
    internal const string Subprotocol = "theory.run.v1";

    /// <summary>What host and verbs share.</summary>
    public static IServiceCollection AddProcessor(this IServiceCollection services, IConfiguration configuration)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(configuration);
        services.AddOptionsWithValidateOnStart<ProcessorOptions, ProcessorOptionsValidator>()
            .Bind(configuration.GetSection("Processor"));
        services.AddCoachSecrets();
        services.AddCoachLlm();
        services.TryAddSingleton<RegistryPrices>();
        services.AddCoachUsage().UsePrices(static provider => provider.GetRequiredService<RegistryPrices>());
        services.AddHttpClient(ArtifactStore.HttpClientName)
            .ConfigureHttpClient((provider, client) =>
                client.Timeout = provider.GetRequiredService<IOptions<ProcessorOptions>>().Value.Artifacts.UploadTimeout)
            .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler { AllowAutoRedirect = false })
            .RemoveAllLoggers(); // a signed URL is a key
        services.TryAddSingleton<RunMetrics>();
        services.TryAddSingleton<RunRegistry>();
        services.TryAddSingleton<RunExecutor>();
        services.TryAddSingleton<MockRunner>();
        services.TryAddSingleton<ProviderRunner>();
        services.TryAddSingleton<ArtifactStore>();
        services.AddHostedService<ArtifactSweep>();
        return services;
    }

    public static WebApplication Build(WebApplicationBuilder builder)
    {
        IConfiguration configuration = builder.Configuration;
        if (configuration["LITELLM_API_BASE"] is { Length: > 0 } address)
        {
            builder.Configuration["Coach:Llm:OpenAICompatible:BaseUrl"] ??= address;
        }

        builder.Services.AddProcessor(configuration);
        builder.Services.AddOpenTelemetry().WithMetrics(metrics => metrics
            .AddMeter(RunMetrics.MeterName, "Coach.Llm", "Coach.Usage")
            .AddCoachMetricsExporter());
        builder.Services.Configure<HostOptions>(host =>
            host.ShutdownTimeout = configuration.GetValue("Processor:Drain", TimeSpan.FromSeconds(20))
                + configuration.GetValue("Processor:PreemptGrace", TimeSpan.FromSeconds(5))
                + TimeSpan.FromSeconds(5));
        Listen(builder.WebHost, configuration);

        // HostAccess knows AllowedHosts: the framework's filter would answer 400, to probes of this machine as well.
        builder.Services.PostConfigure<HostFilteringOptions>(hosts => hosts.AllowedHosts = ["*"]);

        WebApplication app = builder.Build();
        ProcessorOptions options = app.Services.GetRequiredService<IOptions<ProcessorOptions>>().Value;
        app.Use(static (context, next) =>
        {
            if (context.Features.Get<IHttpUpgradeFeature>() is { } upgrade)
            {
                context.Features.Set<IHttpUpgradeFeature>(new LingeringUpgrade(upgrade));
            }

            return next(context);
        });
        app.UseWebSockets(new WebSocketOptions
        {
            KeepAliveInterval = options.PingInterval,
            KeepAliveTimeout = TimeSpan.FromSeconds(10),
        });
        app.MapMethods("/healthz", ["GET", "HEAD"], Health);
        app.Map("/run", RunAsync);
        app.MapCoachMetrics().Finally(static endpoint =>
        {
            RequestDelegate page = endpoint.RequestDelegate!;
            endpoint.RequestDelegate = context =>
            {
                if (HostAccess.IsOperator(context))
                {
                    return page(context);
                }

                context.Response.StatusCode = StatusCodes.Status404NotFound;
                return Task.CompletedTask;
            };
        });
        DrainWhenStopping(app, options);
        return app;
    }

    /// <summary>
    /// Runs the host until it is stopped. What keeps it from starting is one sentence on the error stream.
    /// </summary>
    /// <returns>0 after a stop, 1 where it could not start.</returns>
    public static async Task<int> RunAsync(
        WebApplicationBuilder builder, TextWriter errors, CancellationToken cancellationToken = default)
    {
        WebApplication? app = null;
        try
        {
            app = Build(builder);
            ProcessorOptions options = app.Services.GetRequiredService<IOptions<ProcessorOptions>>().Value;
            RegistryFile.Load(options.Registry, options.Ref);
            await app.StartAsync(cancellationToken);
        }
        catch (Exception exception) when (StartFailure.Describe(exception) is { } reason)
        {
            await errors.WriteLineAsync(reason);
            await (app?.DisposeAsync() ?? default);
            return 1;
        }

        await app.WaitForShutdownAsync(cancellationToken);
        await app.DisposeAsync();
        return 0;
    }

    // HOST and PORT, as in the other samples. Figures are on a port of their own where one is set, else for callers on
    // the machine itself.
    private static void Listen(IWebHostBuilder server, IConfiguration configuration)
    {
        var problems = new List<WrongSetting>();
        string? address = ListenAddress.Read(configuration, problems);
        string? figures = configuration["Processor:MetricsPort"];
        if (!string.IsNullOrWhiteSpace(figures))
        {
            bool isPort = ushort.TryParse(figures, NumberStyles.None, CultureInfo.InvariantCulture, out ushort port);
            if (!isPort || port == 0)
            {
                problems.Add(new WrongSetting("Processor:MetricsPort", figures, "must be between 1 and 65535"));
            }

            address = address is null ? null : $"{address};{ListenAddress.Of(configuration["HOST"], figures, [])}";
        }

        if (problems.Count > 0)
        {
            throw new ProcessorException(
                RunErrors.Inputs,
                string.Join(' ', problems.Select(wrong =>
                    $"{wrong.Name} is {KeyRedactor.Redact(wrong.Value)}; it {wrong.Rule}.")));
        }

        if (address is not null)
        {
            server.UseUrls(address);
        }
    }

    // Only what a probe asks: no figures of others' runs. Warnings appear when a limit is near.
    private static async Task Health(HttpContext context)
    {
        RunRegistry runs = context.RequestServices.GetRequiredService<RunRegistry>();
        ProcessorOptions options = context.RequestServices.GetRequiredService<IOptions<ProcessorOptions>>().Value;
        var warnings = new List<string>();
        if (runs.Active >= options.MaxRuns * 0.9)
        {
            warnings.Add($"{runs.Active} of {options.MaxRuns} runs");
        }

        double disk = context.RequestServices.GetRequiredService<ArtifactStore>().Used;
        if (disk >= 0.9)
        {
            warnings.Add(string.Create(CultureInfo.InvariantCulture, $"outputs fill {disk:P0} of their limit"));
        }

        GCMemoryInfo memory = GC.GetGCMemoryInfo();
        if (memory.MemoryLoadBytes >= memory.HighMemoryLoadThresholdBytes && memory.HighMemoryLoadThresholdBytes > 0)
        {
            warnings.Add("memory is nearly used up");
        }

        context.Response.StatusCode = runs.IsDraining ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK;
        context.Response.ContentType = "application/json";
        context.Response.Headers.CacheControl = "no-store";
        string? digest = context.RequestServices.GetRequiredService<IConfiguration>()["IMAGE_DIGEST"];
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        json.WriteStartObject();
        json.WriteBoolean("ok", !runs.IsDraining);
        json.WriteString("digest", string.IsNullOrWhiteSpace(digest) ? "unknown" : digest.Trim());
        if (warnings.Count > 0)
        {
            json.WriteStartArray("warnings");
            warnings.ForEach(json.WriteStringValue);
            json.WriteEndArray();
        }

        json.WriteEndObject();
    }

    private static async Task RunAsync(HttpContext context)
    {
        if (!HostAccess.IsAllowed(context, out int refused))
        {
            context.Response.StatusCode = refused;
            return;
        }

        if (!context.WebSockets.IsWebSocketRequest)
        {
            context.Response.StatusCode = StatusCodes.Status426UpgradeRequired;
            context.Response.Headers.Upgrade = "websocket";
            return;
        }

        if (!context.WebSockets.WebSocketRequestedProtocols.Contains(Subprotocol))
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            await context.Response.WriteAsync($"This server speaks the WebSocket subprotocol {Subprotocol}; offer it.");
            return;
        }

        IServiceProvider services = context.RequestServices;
        ProcessorOptions options = services.GetRequiredService<IOptions<ProcessorOptions>>().Value;
        using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync(Subprotocol);
        var connection = new RunConnection(
            socket,
            services.GetRequiredService<RunRegistry>(),
            services.GetRequiredService<RunExecutor>(),
            options,
            services.GetRequiredService<TimeProvider>(),
            services.GetRequiredService<ILogger<RunConnection>>());
        await connection.ServeAsync();
        if (socket.State == WebSocketState.Aborted && context.Features.Get<IHttpUpgradeFeature>() is LingeringUpgrade upgrade)
        {
            await upgrade.LingerAsync(options.CloseTimeout, services.GetRequiredService<TimeProvider>());
        }
    }

    // No new runs at once; those that go on may finish for a while, then they are preempted and say so.
    private static void DrainWhenStopping(WebApplication app, ProcessorOptions options)
    {
        RunRegistry runs = app.Services.GetRequiredService<RunRegistry>();
        TimeProvider time = app.Services.GetRequiredService<TimeProvider>();
        app.Lifetime.ApplicationStopping.Register(() =>
        {
            IReadOnlyList<Run> left = runs.Drain();
            if (left.Count > 0)
            {
                _ = PreemptLaterAsync(runs, left, options.Drain, time);
            }
        });
    }

    private static async Task PreemptLaterAsync(
        RunRegistry runs, IReadOnlyList<Run> left, TimeSpan after, TimeProvider time)
    {
        await Task.Delay(after, time);
        foreach (Run run in left)
        {
            run.Stop(StopReason.Preempted);
            if (!run.HasStarted)
            {
                runs.Abandon(run);
            }
        }
    }
}
