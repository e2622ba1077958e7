using System.Diagnostics.Metrics;
using Coach.Llm.Core;
using Microsoft.Extensions.Logging;

namespace Coach.Llm.Pipeline;

/// <summary>The targets of a client and how long each is still passed over.</summary>
internal sealed class FallbackTargets : IDisposable
{
    private const int MaxTargets = 10;

    private readonly FallbackTarget[] _targets;
    private readonly TargetCooldowns _coolDowns;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly MeterSource _meter;
    private readonly Counter<long> _fallbacks;

    public FallbackTargets(
        IReadOnlyList<FallbackTarget> targets, FallbackOptions options, FallbackServices services,
        TargetCooldowns? coolDowns = null)
    {
        _targets = [.. targets];
        if (_targets.Length is 0 or > MaxTargets || !_targets.All(IsWhole))
        {
            throw new ArgumentException(
                $"Give 1 to {MaxTargets} targets, each with a name and a client.", nameof(targets));
        }

        if (_targets.DistinctBy(target => target.Name, StringComparer.Ordinal).Count() < _targets.Length)
        {
            throw new ArgumentException("Two targets have the same name.", nameof(targets));
        }

        Options = options;
        _coolDowns = coolDowns ?? new OwnTargetCooldowns(_targets.Length);
        _time = services.Time;
        _logger = services.Logger;
        _meter = new MeterSource(LlmMeter.Name, services.Meters);
        _fallbacks = _meter.Meter.CreateCounter<long>(
            "coach.llm.fallbacks", "{fallback}", "Answers that another target had to give.");
    }

    public FallbackOptions Options { get; }

    private static bool IsWhole(FallbackTarget? target) =>
        target is { Client: not null } && !string.IsNullOrWhiteSpace(target.Name);

    public FallbackTarget First => _targets[0];

    public bool IsFirst(FallbackTarget target) => ReferenceEquals(target, _targets[0]);

    /// <summary>
    /// The targets that are not cooling down, in order; all of them when every one is, the one that is ready soonest
    /// first.
    /// </summary>
    public async ValueTask<FallbackAttempts> BeginAsync(CancellationToken cancellationToken)
    {
        await _coolDowns.RefreshAsync(cancellationToken).ConfigureAwait(false);
        long now = TargetCooldowns.Now(_time);
        int[] ready = [.. Enumerable.Range(0, _targets.Length).Where(index => _coolDowns[index] <= now)];
        if (ready.Length == 0)
        {
            ready = [.. Enumerable.Range(0, _targets.Length).OrderBy(index => _coolDowns[index])];
        }

        return new FallbackAttempts(this, ready);
    }

    public FallbackTarget this[int index] => _targets[index];

    public void CoolDown(int index, TimeSpan? hint)
    {
        TimeSpan wait = hint is { } asked && asked > Options.CoolDown ? asked : Options.CoolDown;
        wait = wait < TimeSpan.FromHours(1) ? wait : TimeSpan.FromHours(1);
        _coolDowns[index] = TargetCooldowns.Now(_time) + wait.Ticks;
    }

    /// <summary>Tells other replicas that a target is passed over.</summary>
    public ValueTask TellAsync(int index) => _coolDowns.TellAsync(index);

    /// <summary>A target answered: it is not passed over any more.</summary>
    public ValueTask RecoverAsync(int index)
    {
        if (_coolDowns[index] == 0)
        {
            return ValueTask.CompletedTask;
        }

        _coolDowns[index] = 0;
        return _coolDowns.TellAsync(index);
    }

    public void FellBack(string from, string to, string reason)
    {
        _fallbacks.Add(1, new KeyValuePair<string, object?>("from", from), new KeyValuePair<string, object?>("to", to),
            new KeyValuePair<string, object?>("reason", reason));
        _logger.FellBack(from, reason, to);
    }

    /// <summary>Ends what is its own, and the targets' clients unless they are left open.</summary>
    public void Dispose()
    {
        _meter.Dispose();
        if (Options.LeaveOpen)
        {
            return;
        }

        foreach (FallbackTarget target in _targets)
        {
            target.Client.Dispose();
        }
    }
}

/// <summary>What fallback needs of its host.</summary>
internal sealed record FallbackServices(
    TimeProvider Time, ILogger Logger, IMeterFactory? Meters, ICooldownStore? Cooldowns = null);
