using System.Collections.Concurrent;
using System.Globalization;
using Coach.Abstractions;
using Coach.Redis.Connections;
using Coach.Usage;
using StackExchange.Redis;

namespace Coach.Redis.Usage;

/// <summary>
/// Budgets of all replicas: Redis decides, one script a decision, and holds the reservations; what was settled is kept
/// by a store that lasts, of which the counters here are a cache (write-through).
/// </summary>
/// <remarks>
/// A settlement is counted in the store that lasts, and then its total is shown here: totals only grow, so the larger
/// one is the later one, whichever replica comes first. A counter that is not known here is read from there before
/// anything is granted on it, by one replica under a lease.
/// </remarks>
internal sealed class RedisBudgetStore(RedisConnection redis, IBudgetStore durable, TimeProvider time) : IBudgetStore
{
    private const int MaxWaiting = 10_000;
    private const int MaxRounds = 200;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan RebuildLease = TimeSpan.FromSeconds(3);

    // Settlements that the store that lasts did not take, and counters that Redis was not told of.
    private readonly ConcurrentDictionary<string, IReadOnlyList<BudgetCharge>> _waiting = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _stale = new(StringComparer.Ordinal);

    public async ValueTask<BudgetDecision> ReserveAsync(
        string id, IReadOnlyList<BudgetCharge> charges, TimeSpan lease, CancellationToken cancellationToken = default)
    {
        BudgetStoreRules.Check(id, charges);
        BudgetStoreRules.CheckLease(lease);
        await CatchUpAsync(cancellationToken).ConfigureAwait(false);
        string[] counters = [.. charges.Select(charge => charge.Counter)];
        RedisValue[] values =
        [
            id, (long)lease.TotalMilliseconds, ChargeJson.Write(charges),
            .. charges.SelectMany(charge => new RedisValue[] { charge.Amount, charge.Max, End(charge) }),
        ];
        RedisResult answer = await DecideAsync(
            "reserve from a budget", BudgetScripts.Reserve, id, counters, values, cancellationToken)
            .ConfigureAwait(false);
        return new BudgetDecision((int)answer[0], Counts(answer));
    }

    public async ValueTask<bool> RenewAsync(string id, TimeSpan lease, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(id);
        BudgetStoreRules.CheckLease(lease);
        if (await FindAsync(id, cancellationToken).ConfigureAwait(false) is not { IsOpen: true } known)
        {
            return false;
        }

        RedisResult answer = await redis.EvaluateAsync(
            "renew a reservation", BudgetScripts.Renew, Keys(id, Counters(known.Charges)),
            [id, (long)lease.TotalMilliseconds], cancellationToken).ConfigureAwait(false);
        return (int)answer == 1;
    }

    public async ValueTask<bool> SettleAsync(
        string id, IReadOnlyList<BudgetCharge> charges, CancellationToken cancellationToken = default)
    {
        BudgetStoreRules.Check(id, charges);
        Reservation? known = await TryFindAsync(id, cancellationToken).ConfigureAwait(false);
        if (known is { IsReleased: true })
        {
            return false;
        }

        bool isNew;
        try
        {
            isNew = await durable.SettleAsync(id, charges, cancellationToken).ConfigureAwait(false);
        }
        catch (StoreException)
        {
            // Until it is counted this process grants nothing more.
            if (_waiting.Count < MaxWaiting)
            {
                _waiting[id] = charges;
            }

            throw;
        }

        await ShowAsync(id, charges, known, cancellationToken).ConfigureAwait(false);
        return isNew;
    }

    public async ValueTask<bool> ReleaseAsync(string id, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(id);
        if (await FindAsync(id, cancellationToken).ConfigureAwait(false) is not { IsOpen: true } known)
        {
            return false;
        }

        RedisResult answer = await redis.EvaluateAsync(
            "release a reservation", BudgetScripts.End, Keys(id, Counters(known.Charges)),
            [id, Reservation.Released], cancellationToken).ConfigureAwait(false);
        return (int)answer == 1;
    }

    public async ValueTask<IReadOnlyList<BudgetCount>> ReadAsync(
        IReadOnlyList<string> counters, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(counters);
        if (counters.Count == 0)
        {
            return [];
        }

        RedisResult answer = await DecideAsync(
            "read a budget", BudgetScripts.Read, "", [.. counters], [""], cancellationToken).ConfigureAwait(false);
        return Counts(answer);
    }

    public async ValueTask<IReadOnlyList<OpenReservation>> ListExpiredAsync(
        int limit = 1_000, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, 10_000);
        RedisResult ids = await redis.EvaluateAsync(
            "list reservations", BudgetScripts.Expired, Keys("", []), ["", limit], cancellationToken)
            .ConfigureAwait(false);
        var expired = new List<OpenReservation>();
        foreach (RedisValue id in (RedisValue[]?)ids ?? [])
        {
            if (await FindAsync(id.ToString(), cancellationToken).ConfigureAwait(false) is { IsOpen: true } known)
            {
                expired.Add(new OpenReservation(id.ToString(), known.Charges, known.Due));
            }
        }

        return expired;
    }

    // Runs a script, after the counters that it does not know were read from the store that lasts.
    private async ValueTask<RedisResult> DecideAsync(
        string doing, string script, string id, string[] counters, RedisValue[] values,
        CancellationToken cancellationToken)
    {
        for (int round = 0; round < MaxRounds; round++)
        {
            RedisResult answer = await redis.EvaluateAsync(
                doing, script, Keys(id, counters), values, cancellationToken).ConfigureAwait(false);
            if ((int)answer[0] != -2)
            {
                return answer;
            }

            string[] unknown = [.. ((RedisResult[])answer!)[1..].Select(place => counters[(int)place])];
            await RebuildAsync(unknown, cancellationToken).ConfigureAwait(false);
        }

        throw new StoreException(redis.Guard.Name, doing);
    }

    private async ValueTask RebuildAsync(string[] counters, CancellationToken cancellationToken)
    {
        RedisKey lease = redis.Keys.BudgetRebuild(counters[0]);
        bool isOurs = await redis.Guard.CallAsync(
            "rebuild a budget",
            async _ => await (await redis.DatabaseAsync().ConfigureAwait(false))
                .StringSetAsync(lease, 1, RebuildLease, When.NotExists).ConfigureAwait(false),
            cancellationToken).ConfigureAwait(false);
        if (!isOurs)
        {
            await Task.Delay(Pause, time, cancellationToken).ConfigureAwait(false);
            return;
        }

        try
        {
            // Whoever had the lease before may have read them since they were missed.
            RedisResult known = await redis.EvaluateAsync(
                "rebuild a budget", BudgetScripts.Read, Keys("", counters), [""], cancellationToken)
                .ConfigureAwait(false);
            if ((int)known[0] == -2)
            {
                await LoadAsync(counters, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            await redis.Guard.CallAsync(
                "rebuild a budget",
                async _ => await (await redis.DatabaseAsync().ConfigureAwait(false))
                    .KeyDeleteAsync(lease).ConfigureAwait(false),
                CancellationToken.None).ConfigureAwait(false);
        }
    }

    private async ValueTask LoadAsync(string[] counters, CancellationToken cancellationToken)
    {
        IReadOnlyList<BudgetCount> totals =
            await durable.ReadAsync(counters, cancellationToken).ConfigureAwait(false);
        await redis.EvaluateAsync(
            "rebuild a budget", BudgetScripts.Load, Keys("", counters),
            ["", .. totals.Select(total => (RedisValue)total.Settled)], cancellationToken).ConfigureAwait(false);
    }

    // What was settled is in the store that lasts by now: Redis that is away is told of it before the next decision.
    private async ValueTask ShowAsync(
        string id, IReadOnlyList<BudgetCharge> charges, Reservation? known, CancellationToken cancellationToken)
    {
        string[] settled = Counters(charges);
        string[] others = [.. Counters(known?.Charges ?? []).Except(settled, StringComparer.Ordinal)];
        try
        {
            IReadOnlyList<BudgetCount> totals =
                await durable.ReadAsync(settled, cancellationToken).ConfigureAwait(false);
            await redis.EvaluateAsync(
                "settle a reservation", BudgetScripts.End, Keys(id, [.. settled, .. others]),
                [
                    id, Reservation.Settled,
                    .. totals.Zip(charges)
                        .SelectMany(pair => new RedisValue[] { pair.First.Settled, End(pair.Second) }),
                ],
                cancellationToken).ConfigureAwait(false);
        }
        catch (StoreException)
        {
            foreach (string counter in settled.Take(MaxWaiting - _stale.Count))
            {
                _stale[counter] = true;
            }
        }
    }

    private async ValueTask CatchUpAsync(CancellationToken cancellationToken)
    {
        foreach ((string id, IReadOnlyList<BudgetCharge> charges) in _waiting)
        {
            await SettleAsync(id, charges, cancellationToken).ConfigureAwait(false);
            _waiting.TryRemove(id, out _);
        }

        if (!_stale.IsEmpty)
        {
            string[] counters = [.. _stale.Keys];
            await LoadAsync(counters, cancellationToken).ConfigureAwait(false);
            foreach (string counter in counters)
            {
                _stale.TryRemove(counter, out _);
            }
        }
    }

    private async ValueTask<Reservation?> TryFindAsync(string id, CancellationToken cancellationToken)
    {
        try
        {
            return await FindAsync(id, cancellationToken).ConfigureAwait(false);
        }
        catch (StoreException)
        {
            return null;
        }
    }

    private async ValueTask<Reservation?> FindAsync(string id, CancellationToken cancellationToken)
    {
        RedisValue known = await redis.Guard.CallAsync(
            "find a reservation",
            async _ => await (await redis.DatabaseAsync().ConfigureAwait(false))
                .StringGetAsync(redis.Keys.BudgetReservation(id)).ConfigureAwait(false),
            cancellationToken).ConfigureAwait(false);
        return known.IsNull ? null : Reservation.Read(known.ToString());
    }

    private RedisKey[] Keys(string id, IReadOnlyList<string> counters) =>
    [
        redis.Keys.BudgetReservation(id), redis.Keys.OpenBudgets,
        .. counters.SelectMany(counter =>
            new RedisKey[] { redis.Keys.BudgetCounter(counter), redis.Keys.BudgetLeases(counter) }),
    ];

    private static string[] Counters(IReadOnlyList<BudgetCharge> charges) =>
        [.. charges.Select(charge => charge.Counter)];

    private static BudgetCount[] Counts(RedisResult answer) =>
    [
        .. ((RedisResult[])answer!)[1..].Chunk(2).Select(pair => new BudgetCount((long)pair[0], (long)pair[1])),
    ];

    private static RedisValue End(BudgetCharge charge) =>
        charge.ResetsAt is { } at ? at.ToUnixTimeMilliseconds() : RedisValue.EmptyString;

    /// <summary>A reservation as it stands in Redis; one that ended has no charges any more.</summary>
    private sealed record Reservation(bool IsOpen, bool IsReleased, DateTimeOffset Due, BudgetCharge[] Charges)
    {
        public const string Released = "R";
        public const string Settled = "S";

        public static Reservation Read(string text)
        {
            if (text[0] != 'O')
            {
                return new Reservation(false, text == Released, default, []);
            }

            string[] parts = text.Split('|', 3);
            return new Reservation(
                true, false,
                DateTimeOffset.FromUnixTimeMilliseconds(long.Parse(parts[1], CultureInfo.InvariantCulture)),
                ChargeJson.Read(parts[2]));
        }
    }
}
