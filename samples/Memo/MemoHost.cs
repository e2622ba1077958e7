using Coach;
using Coach.Abstractions;
using Coach.AspNetCore;
using Coach.Llm;
using Coach.Observability;
using Coach.Usage;
using Memo.Configuration;
using Memo.Costs;
using Memo.Data;
using Memo.Evaluation;
using Memo.Http;
using Memo.Jobs;
using Memo.Operations;
using Memo.People;
using Microsoft.AspNetCore.HostFiltering;
using Microsoft.AspNetCore.Identity;
using OpenTelemetry.Metrics;
using Scalar.AspNetCore;
using Serilog;
using Serilog.Formatting.Json;

namespace Memo;

/// <summary>The memo coach as services and endpoints.</summary>
internal static class MemoHost
{
    private const string DocsPolicy =
        "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        + "font-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'";

    private static readonly (string Variable, string Key)[] Aliases =
        [("COACH_MODE", "Coach:Mode"), ("TEMPERATURE", "Coach:Llm:Temperature")];

    /// <summary>The data folder, as the configuration or the system says.</summary>
    public static string DataPath(IConfiguration configuration) => configuration["MEMO_DATA"] ?? Path.Combine(
        Environment.GetFolderPath(
            Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify) is { Length: > 0 } local
            ? local
            : Path.GetTempPath(),
        "coach-memo");

    /// <summary>The PostgreSQL database; null where SQLite is used.</summary>
    public static string? PostgresOf(IConfiguration configuration)
    {
        string? connection = configuration.GetConnectionString("Coach") ?? configuration["DATABASE_URL"];
        bool isSqlite = connection?.StartsWith("sqlite:", StringComparison.OrdinalIgnoreCase) == true;
        return string.IsNullOrWhiteSpace(connection) || isSqlite ? null : connection;
    }

    /// <summary>Opens the configuration folder.</summary>
    /// <exception cref="Coach.Configuration.Yaml.YamlConfigurationException">A file cannot be used.</exception>
    public static SettingsStore OpenSettings(IConfiguration configuration, DataFolder folder, TimeProvider time) =>
        SettingsStore.Open(
            configuration["MEMO_CONFIG"] ?? Path.Combine(folder.Path, "config"),
            Path.Combine(AppContext.BaseDirectory, "config"), time);

    /// <summary>Registers everything. What is wrong with settings, folder or files is thrown here, before any port is
    /// open.</summary>
    public static void AddMemo(this WebApplicationBuilder builder, TimeProvider? time = null)
    {
        TimeProvider clock = time ?? TimeProvider.System;
        IConfiguration configuration = builder.Configuration;
        Listen(builder.Configuration);
        MemoOptions options = MemoOptions.Read(configuration);
        string? open = MemoOptions.Addresses(configuration).FirstOrDefault(url => !MemoOptions.IsLoopback(url));
        if (!options.AuthEnabled && open is not null)
        {
            throw new InvalidOperationException(
                $"Without login this host listens on this machine only, not on {open}. Set AUTH_ENABLED=true, or HOST=127.0.0.1.");
        }

        DataFolder folder = DataFolder.Open(DataPath(configuration));
        SettingsStore settings = OpenSettings(configuration, folder, clock);
        IServiceCollection services = builder.Services;

        services.AddCoachKnownProxies();
        if (options.BehindProxy)
        {
            services.PostConfigure<CoachProxyOptions>(UseOwnMachine);
        }

        // GatekeeperMiddleware knows AllowedHosts and answers with a problem.
        services.PostConfigure<HostFilteringOptions>(hosts => hosts.AllowedHosts = ["*"]);
        services.AddSingleton(clock);
        services.AddSingleton(options);
        services.AddSingleton(_ => folder);
        services.AddSingleton(_ => settings);
        services.AddSingleton<IComponentHealth>(settings);
        services.AddSingleton<MemoDatabase>(_ => PostgresOf(configuration) is { } connection
            ? new PostgresDatabase(connection)
            : new SqliteDatabase(folder.Database));
        AddPeople(services, settings);
        services.AddCosts(configuration, folder.Database);
        AddEvaluation(services);
        AddOperations(builder, settings, folder);
    }

    /// <summary>Puts the middleware and the endpoints in their places.</summary>
    public static void UseMemo(this WebApplication app)
    {
        SettingsStore settings = app.Services.GetRequiredService<SettingsStore>();
        app.UseCoachKnownProxies();
        app.UseCoachRequestIds();
        app.UseCoachSecurityHeaders();
        app.UseExceptionHandler(handler => handler.Run(FailAsync));
        app.Use((context, next) =>
        {
            // The API's reader brings a script of its own into its page, and that page alone.
            if (context.Request.Path.StartsWithSegments("/docs", StringComparison.Ordinal))
            {
                context.Response.Headers.ContentSecurityPolicy = DocsPolicy;
            }

            return next(context);
        });
        if (settings.Current.Compression)
        {
            app.UseResponseCompression();
        }

        app.Use(MeasureAsync);
        app.UseStatusCodePages(status => status.HttpContext.Request.Path.StartsWithSegments("/api", StringComparison.Ordinal)
            ? MemoProblem.Of(status.HttpContext.Response.StatusCode).ExecuteAsync(status.HttpContext)
            : Task.CompletedTask);
        app.UseMiddleware<GatekeeperMiddleware>();
        app.UseDefaultFiles();
        app.UseStaticFiles();
        app.UseRouting();
        RouteGroupBuilder api = app.MapGroup("/api/v1");
        AuthEndpoints.Map(api);
        EvaluationEndpoints.Map(api);
        MeEndpoints.Map(api);
        AdminEndpoints.Map(api);
        HealthEndpoints.Map(api);
        app.MapCoachHealth();
        app.MapCoachMetrics();
        app.MapOpenApi();
        app.MapScalarApiReference("/docs").ExcludeFromDescription();
    }

    /// <summary>Brings the database up to date and makes the first admin; call it before the host starts.</summary>
    public static async Task PrepareAsync(this WebApplication app)
    {
        await app.Services.GetRequiredService<MemoDatabase>().MigrateAsync(CancellationToken.None).ConfigureAwait(false);
        app.Services.GetRequiredService<IPriceSource>(); // a price file that cannot be used ends the start here
        app.Services.GetRequiredService<TokenIssuer>(); // and so does a key that is too short
        app.Services.GetRequiredService<SettingsStore>().Watch();
        await app.Services.GetRequiredService<JobBudget>().SettleAllAsync(CancellationToken.None).ConfigureAwait(false);
        if (!app.Services.GetRequiredService<MemoOptions>().AuthEnabled)
        {
            return;
        }

        string? password = await app.Services.GetRequiredService<LoginService>().EnsureAdminAsync(
            app.Configuration["MEMO_ADMIN_USERNAME"], app.Configuration["MEMO_ADMIN_PASSWORD"], CancellationToken.None)
            .ConfigureAwait(false);
        if (password is not null)
        {
            // On the terminal alone: a log would keep it.
            string name = app.Configuration["MEMO_ADMIN_USERNAME"] ?? "admin";
            await Console.Out.WriteLineAsync($"One-time password of '{name}': {password}  (log in and change it)")
                .ConfigureAwait(false);
        }
    }

    // HOST and PORT, as in the other samples; the usual keys of ASP.NET Core win.
    private static void Listen(ConfigurationManager configuration)
    {
        foreach ((string variable, string key) in Aliases)
        {
            if (configuration[variable] is { Length: > 0 } value && configuration[key] is null)
            {
                configuration[key] = value.Trim();
            }
        }

        var problems = new List<WrongSetting>();
        if (ListenAddress.Read(configuration, problems) is { } address)
        {
            configuration["urls"] = address;
        }

        if (problems.Count > 0)
        {
            throw new InvalidOperationException(
                string.Join(' ', problems.Select(problem => $"{problem.Name} {problem.Rule}.")));
        }
    }

    // A proxy that nobody named is one on this machine.
    private static void UseOwnMachine(CoachProxyOptions proxies)
    {
        if (proxies.KnownProxies.Count == 0)
        {
            proxies.KnownProxies.Add("127.0.0.0/8");
            proxies.KnownProxies.Add("::1");
        }
    }

    private static void AddPeople(IServiceCollection services, SettingsStore settings)
    {
        services.AddIdentityCore<MemoUser>(identity =>
        {
            identity.Password.RequiredLength = settings.Current.Auth.MinPasswordLength;
            identity.Password.RequireDigit = false;
            identity.Password.RequireLowercase = false;
            identity.Password.RequireUppercase = false;
            identity.Password.RequireNonAlphanumeric = false;
            identity.User.AllowedUserNameCharacters =
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.@";
        });
        services.AddScoped<IUserStore<MemoUser>, MemoUserStore>();
        services.AddSingleton<SessionStore>();
        services.AddSingleton<TokenIssuer>();
        services.AddSingleton<LoginService>();
        services.AddSingleton<HourlyLimits>();
        services.AddSingleton<AuditLog>();
    }

    private static void AddEvaluation(IServiceCollection services)
    {
        services.AddCoachSecrets(secrets => secrets.Manifest
            .Optional("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "JWT_SIGNING_KEY", "JWT_SIGNING_KEY_PREVIOUS")
            .Alias("ANTHROPIC_API_KEY", "CLAUDE_API_KEY"));
        services.AddCoachLlm();
        services.AddSingleton<HostModelSource>();
        services.AddSingleton<IModelSource>(provider => provider.GetRequiredService<HostModelSource>());
        services.AddSingleton<Evaluator>();
        services.AddSingleton<EvaluationStore>();
        services.AddSingleton<EvaluationEvents>();
        services.AddSingleton<EvaluationWorker>();
        services.AddHostedService(provider => provider.GetRequiredService<EvaluationWorker>());
        services.AddSingleton<Uploads>();
    }

    private static void AddOperations(WebApplicationBuilder builder, SettingsStore settings, DataFolder folder)
    {
        IServiceCollection services = builder.Services;
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = settings.Current.Uploads.MaxBytes + (64 * 1024);
        });
        services.AddSerilog(log => Log(log, builder.Configuration, settings.Current.Log, folder));
        services.AddCoachObservability().AddCoachHealthChecks().AddCoachMetricsExporter();
        services.AddOpenTelemetry().WithMetrics(metrics => metrics.AddMeter(Figures.MeterName));
        services.AddSingleton<Figures>();
        services.AddSingleton<IComponentHealth, DatabaseHealth>();
        services.AddSingleton<KeyWatch>();
        services.AddSingleton<IComponentHealth>(provider => provider.GetRequiredService<KeyWatch>());
        services.AddHostedService(provider => provider.GetRequiredService<KeyWatch>());
        services.AddHttpClient(AlertMonitor.ClientName, client => client.Timeout = TimeSpan.FromSeconds(10));
        services.AddSingleton<AlertMonitor>();
        services.AddHostedService<Housekeeping>();
        services.AddResponseCompression(compression => compression.EnableForHttps = false);
        services.AddHsts(hsts => hsts.MaxAge = TimeSpan.FromDays(settings.Current.Security.HstsDays));
        services.AddOpenApi();
        services.ConfigureHttpJsonOptions(json => json.SerializerOptions.Encoder = MemoJson.Options.Encoder);
    }

    private static void Log(
        LoggerConfiguration log, IConfiguration configuration, LogSettings settings, DataFolder folder)
    {
        var level = Enum.TryParse(configuration["LOG_LEVEL"], ignoreCase: true, out Microsoft.Extensions.Logging.LogLevel asked)
            ? (Serilog.Events.LogEventLevel)Math.Clamp((int)asked, 0, 5)
            : Serilog.Events.LogEventLevel.Information;
        log.MinimumLevel.Is(level)
            .MinimumLevel.Override("Microsoft.AspNetCore", Serilog.Events.LogEventLevel.Warning)
            .MinimumLevel.Override("Microsoft.Extensions.Diagnostics.HealthChecks", Serilog.Events.LogEventLevel.Fatal)
            .MinimumLevel.Override("System.Net.Http", Serilog.Events.LogEventLevel.Warning);
        string path = Path.Combine(folder.Logs, "memo-.log");
        if (settings.IsJson)
        {
            log.WriteTo.Console(new JsonFormatter())
                .WriteTo.File(
                    new JsonFormatter(), path, rollingInterval: RollingInterval.Day,
                    retainedFileCountLimit: settings.RetentionDays);
        }
        else
        {
            log.WriteTo.Console(formatProvider: System.Globalization.CultureInfo.InvariantCulture)
                .WriteTo.File(
                    path, rollingInterval: RollingInterval.Day, retainedFileCountLimit: settings.RetentionDays,
                    formatProvider: System.Globalization.CultureInfo.InvariantCulture);
        }
    }

    private static async Task MeasureAsync(HttpContext context, RequestDelegate next)
    {
        var time = context.RequestServices.GetRequiredService<TimeProvider>();
        long began = time.GetTimestamp();
        if (context.Request.IsHttps)
        {
            int days = context.RequestServices.GetRequiredService<SettingsStore>().Current.Security.HstsDays;
            context.Response.Headers.StrictTransportSecurity = $"max-age={days * 86_400L}; includeSubDomains";
        }

        await next(context).ConfigureAwait(false);
        bool isStream = context.Response.ContentType == "text/event-stream";
        if (!isStream)
        {
            context.RequestServices.GetRequiredService<Figures>().Answered(
                time.GetElapsedTime(began), context.Response.StatusCode);
        }
    }

    private static Task FailAsync(HttpContext context)
    {
        Exception? exception = context.Features.Get<Microsoft.AspNetCore.Diagnostics.IExceptionHandlerFeature>()?.Error;
        MemoProblem problem = exception switch
        {
            CoachException known => MemoProblem.From(known),
            BadHttpRequestException bad => MemoProblem.Of(bad.StatusCode),
            _ => new MemoProblem(
                StatusCodes.Status500InternalServerError, ErrorCodes.ProviderFailed,
                "Something failed here. Try again; if it fails again, tell the admin the request's id."),
        };
        return problem.ExecuteAsync(context);
    }
}
