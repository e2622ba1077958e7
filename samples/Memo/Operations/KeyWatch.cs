using System.Globalization;
using Coach.Abstractions;
using Coach.Llm;
using Memo.Configuration;
using Memo.Data;
using Memo.Evaluation;

namespace Memo.Operations;

/// <summary>Checks the host's keys at start, without tokens, and remembers since when it knows each.</summary>
internal sealed class KeyWatch(
    HostModelSource models, IApiKeyValidator validator, MemoDatabase database, SettingsStore settings, TimeProvider time,
    ILogger<KeyWatch> logger) : BackgroundService, IComponentHealth
{
    private IReadOnlyList<string> _problems = [];

    public string Name => "keys";

    public ValueTask<ComponentReport> CheckAsync(CancellationToken cancellationToken = default)
    {
        IReadOnlyList<string> problems = _problems;
        return ValueTask.FromResult(problems.Count == 0
            ? new ComponentReport(ComponentState.Healthy, models.IsMock ? "Mock mode: no key is used." : "The keys are accepted.")
            : new ComponentReport(ComponentState.Degraded, string.Join(' ', problems)));
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (models.IsMock)
        {
            return;
        }

        using var timer = new PeriodicTimer(TimeSpan.FromHours(24), time);
        do
        {
            var problems = new List<string>();
            foreach ((ApiKey key, _) in models.Keys(settings.Current.Llm))
            {
                KeyValidation outcome = await validator.ValidateAsync(key, stoppingToken).ConfigureAwait(false);
                if (outcome.Status != KeyStatus.Valid)
                {
                    problems.Add($"{key.Provider}: {outcome.Message}");
                }

                int age = (int)(time.GetUtcNow() - await FirstSeenAsync(key, stoppingToken).ConfigureAwait(false)).TotalDays;
                if (age >= settings.Current.Llm.KeyAgeDays)
                {
                    problems.Add(string.Create(
                        CultureInfo.InvariantCulture, $"{key.Provider}: the key is {age} days old. Replace it."));
                }
            }

            problems.ForEach(problem => logger.LogWarning("{Problem}", problem));
            _problems = problems;
        }
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false));
    }

    private Task<DateTimeOffset> FirstSeenAsync(ApiKey key, CancellationToken cancellationToken) => database.WriteAsync(
        async transaction =>
        {
            await transaction.Command(
                "INSERT INTO provider_keys (fingerprint, provider, first_seen) VALUES (@key, @provider, @now) "
                + "ON CONFLICT DO NOTHING",
                ("@key", key.Fingerprint), ("@provider", key.Provider), ("@now", time.GetUtcNow()))
                .RunAsync(cancellationToken).ConfigureAwait(false);
            long at = await transaction.Command(
                "SELECT first_seen FROM provider_keys WHERE fingerprint = @key", ("@key", key.Fingerprint))
                .CountAsync(cancellationToken).ConfigureAwait(false);
            return DateTimeOffset.FromUnixTimeMilliseconds(at);
        }, cancellationToken);
}
