using Coach.Payments;
using Coach.Testing;

namespace Coach.Proofs.Payments;

/// <summary>
/// One schedule: processes come and die, callers ask with the same keys at once, the provider fails in every way, the wall clock jumps,
/// payers pay, webhooks come twice and out of order. Then the storm ends, what is open is settled, and the provider's books are read.
/// </summary>
internal sealed partial class FaultSchedule : IAsyncDisposable
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    private readonly FaultPlan _plan;
    private readonly VirtualClock _clock = new();
    private readonly StripeFake _fake;
    private readonly FaultResult _result = new() { Schedules = 1 };
    private readonly List<FaultProcess> _processes = [];
    private readonly Operation[] _operations;
    private readonly string _name;
    private readonly string? _journal;
    private readonly Dictionary<string, PaymentStatus> _seen = new(StringComparer.Ordinal);
    private readonly List<StripeWebhook> _webhooks = [];
    private readonly HostBooks _books = new();
    private IIdempotencyStore _store = null!;

    private FaultSchedule(int seed, int index, string folder)
    {
        _plan = new FaultPlan(seed, index);
        _name = $"schedule {index} of seed {seed}";
        _fake = new StripeFake(options => options.Time = new ProviderClock(_clock)) { FaultPolicy = _plan.NextFault };
        _journal = _plan.Store == FaultPlan.StoreKind.File ? Path.Combine(folder, $"{seed}-{index}.journal") : null;
        _operations = [.. Enumerable.Range(0, _plan.Operations).Select(i => new Operation(new PaymentLinkRequest
        {
            OperationKey = $"order-{i}:1",
            Amount = Money.Create(100 + _plan.Next(100_000), "usd"),
            Description = "Bar tab",
            Owner = "session-1",
        }))];
    }

    public static async Task<FaultResult> RunAsync(int seed, int index, string folder)
    {
        await using var schedule = new FaultSchedule(seed, index, folder);
        await schedule.StormAsync();
        await schedule.SettleAsync();
        schedule.Audit();
        return schedule._result;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (FaultProcess process in _processes)
        {
            await process.DisposeAsync();
        }

        (_store as IDisposable)?.Dispose();
        await _fake.DisposeAsync();
    }

    private async Task StormAsync()
    {
        _store = OpenStore();
        for (int life = 0; life < _plan.Lives; life++)
        {
            var alive = new List<FaultProcess>();
            for (int replica = 0; replica < _plan.Replicas; replica++)
            {
                alive.Add(NewProcess(_plan.Chance(0.7) ? 1 + _plan.Next(60) : int.MaxValue));
            }

            var actors = new List<Task>();
            foreach (Operation operation in _operations)
            {
                for (int caller = 1 + _plan.Next(3); caller > 0; caller--)
                {
                    actors.Add(CallAsync(alive[_plan.Next(alive.Count)], operation, 1 + _plan.Next(3)));
                }
            }

            actors.Add(PayAsync(alive[0]));
            actors.Add(HandleFactsAsync(alive[_plan.Next(alive.Count)], rounds: 1 + _plan.Next(4)));
            if (_plan.Chance(0.5))
            {
                actors.Add(ReconcileAsync(alive[^1]));
            }

            await RunAsync(Task.WhenAll(actors));
            bool isLast = life == _plan.Lives - 1;
            foreach (FaultProcess process in alive)
            {
                _result.Crashes += process.IsDead ? 1 : 0;
                process.Kill();
            }

            if (!isLast)
            {
                (_store as IDisposable)?.Dispose();
                _store = _plan.Store == FaultPlan.StoreKind.Shared ? _store : OpenStore();
            }

            // Between lives: a moment, some minutes, or more than the day for which the provider keeps its keys.
            _clock.Advance(_plan.Next(4) switch { 0 => Day * 1.1, 1 => TimeSpan.FromMinutes(5), _ => TimeSpan.FromSeconds(_plan.Next(90)) });
            if (_plan.Chance(0.3))
            {
                _clock.JumpWallClock((_plan.Next(2) == 0 ? 1 : -1) * _plan.UpTo(2 * Day));
            }
        }
    }

    private async Task SettleAsync()
    {
        _plan.IsStorm = false;
        _fake.FaultPolicy = null;
        FaultProcess process = NewProcess(int.MaxValue);
        foreach (Operation operation in _operations)
        {
            // With lost records nobody but the caller knows of an operation; otherwise a third is left to reconciliation alone.
            bool isAsked = _plan.Store == FaultPlan.StoreKind.LostAtRestart || _plan.Next(3) > 0;
            for (int i = 0; isAsked && operation.Final is null && i < 20; i++)
            {
                await RunAsync(CallAsync(process, operation, 1));
                _clock.Advance(TimeSpan.FromMinutes(2));
            }

            if (isAsked && operation.Final is null)
            {
                _result.Lost++;
                _result.Findings.Add($"{_name}: {operation.Request.OperationKey} could not be finished: {operation.LastError}");
            }
        }

        for (int pass = 0; pass < 20; pass++)
        {
            await RunAsync(ReconcileAsync(process));
            if (await _store.CountUnsettledAsync() == 0)
            {
                break;
            }

            _clock.Advance(TimeSpan.FromMinutes(2));
        }

        foreach (StripeFakeLink link in _fake.Links)
        {
            await RunAsync(CheckStatusAsync(process, link.Id));
        }

        foreach (StripeWebhook webhook in _webhooks)
        {
            await RunAsync(DeliverAsync(process, Fresh(webhook)));
        }

        await RunAsync(CrossModesAsync(process));
        for (int pass = 0; pass < 40; pass++)
        {
            await RunAsync(HandleFactsAsync(process, rounds: 1));
            if ((await _store.CountAsync()) is { PendingFacts: 0, DeadFacts: 0 })
            {
                break;
            }

            _clock.Advance(TimeSpan.FromMinutes(70));
        }

        await ObserveAsync();
        int open = await _store.CountUnsettledAsync();
        if (open > 0)
        {
            _result.Lost += open;
            _result.Findings.Add($"{_name}: {open} operations stay unsettled");
        }
    }

    private void Audit()
    {
        foreach (Operation operation in _operations)
        {
            StripeFakeLink[] links = [.. _fake.Links.Where(link => link.Metadata.GetValueOrDefault("coach_operation") == operation.Request.OperationKey)];
            _result.Links += links.Length;
            _result.Simulated += operation.Ids.Count(id => id.StartsWith("sim_", StringComparison.Ordinal));
            if (links.Length > 1 || operation.Ids.Count(id => !id.StartsWith("sim_", StringComparison.Ordinal)) > 1
                || (operation.Ids.Count > 1 && _plan.Store != FaultPlan.StoreKind.LostAtRestart))
            {
                _result.Duplicates++;
                _result.Findings.Add($"{_name}: {operation.Request.OperationKey} has links {string.Join(',', links.Select(link => link.Id))}, callers saw {string.Join(',', operation.Ids)}");
            }

            foreach (StripeFakeLink link in links)
            {
                if (link.AmountTotal != operation.Request.Amount.MinorUnits || link.Currency != operation.Request.Amount.Currency || link.CompletedLimit != 1)
                {
                    _result.WrongAmount++;
                    _result.Findings.Add($"{_name}: {link.Id} asks for {link.AmountTotal} {link.Currency}");
                }

                if (_store.FindByLinkAsync(link.Id).AsTask().Result is not { State: PaymentRecordState.Completed })
                {
                    _result.Lost++;
                    PaymentRecord? record = _store.FindAsync(link.Metadata["coach_tag"]).AsTask().Result;
                    _result.Findings.Add($"{_name}: {link.Id} is not known ({_plan.Store}); its operation is {record?.State.ToString() ?? "unknown"} with link {record?.LinkId}, last error: {operation.LastError}");
                }
            }
        }

        AuditFulfilment();
        if (!_result.IsClean)
        {
            _result.Findings.AddRange(_fake.Requests.Select(request =>
                $"  {request.ReceivedAt:dd HH:mm:ss} {request.Method} {request.Path}?{request.Query} {request.IdempotencyKey} {_plan.FaultOf(request)}"));
        }

        _result.Faults += _plan.Faults;
        _result.Requests += _fake.Requests.Count;
        _result.Digest = _plan.Digest;
    }

    // Every payment that the provider has in its books was acted on once by the host, whose books outlive everything.
    private void AuditFulfilment()
    {
        foreach (StripeFakeSession session in _fake.Sessions.Where(session => session.PaymentStatus == "paid"))
        {
            int times = _books.TimesFulfilled(session.Id);
            if (times > 1)
            {
                _result.FulfilledTwice++;
                _result.Findings.Add($"{_name}: {session.Id} of {session.LinkId} was fulfilled {times} times");
            }
            else if (times == 0)
            {
                _result.NeverFulfilled++;
                PaymentRecord? record = _store.FindByLinkAsync(session.LinkId).AsTask().Result;
                _result.Findings.Add($"{_name}: {session.Id} of {session.LinkId} was never fulfilled ({_plan.Store}); its record is {record?.State.ToString() ?? "unknown"}, {record?.Status}, facts {string.Join(',', record?.Facts.Select(fact => $"{fact.Kind} {fact.State}") ?? [])}");
            }
        }

        _result.Facts += _books.Count;
    }

    // The provider signs each delivery anew; our wall clock may have jumped, so it signs by ours.
    private StripeWebhook Fresh(StripeWebhook webhook) => StripeWebhook.Sign(webhook.Body, _fake.WebhookSecret, _clock.GetUtcNow());

    // Reads the records themselves: once a status was seen, nothing lower may ever be.
    private async Task ObserveAsync()
    {
        foreach (StripeFakeLink link in _fake.Links)
        {
            PaymentRecord? record;
            try
            {
                record = await _store.FindByLinkAsync(link.Id);
            }
            catch (Exception exception) when (exception is ObjectDisposedException or IOException)
            {
                return;
            }

            if (record is null)
            {
                continue;
            }

            if (_seen.TryGetValue(link.Id, out PaymentStatus before) && Rank(record.Status) < Rank(before) && _plan.Store != FaultPlan.StoreKind.LostAtRestart)
            {
                _result.Backwards++;
                _result.Findings.Add($"{_name}: {link.Id} went from {before} to {record.Status}");
            }

            _seen[link.Id] = record.Status;
        }
    }

    private static int Rank(PaymentStatus status) => status switch
    {
        PaymentStatus.Pending => 0,
        PaymentStatus.Processing => 1,
        PaymentStatus.Failed or PaymentStatus.Expired => 2,
        _ => 3,
    };

    private FaultProcess NewProcess(int dieAfterPoints)
    {
        var process = new FaultProcess(_plan, _clock, _fake, _store, dieAfterPoints);
        _processes.Add(process);
        return process;
    }

    private IIdempotencyStore OpenStore() => _journal is null ? new MemoryIdempotencyStore(_clock) : new FileIdempotencyStore(_journal, _clock);

    private Task RunAsync(Task task) => VirtualTimeDriver.RunAsync(_clock, task);

    /// <summary>The host's own database: what it did for which fact, in one transaction. It never loses anything.</summary>
    private sealed class HostBooks
    {
        private readonly HashSet<string> _facts = new(StringComparer.Ordinal);
        private readonly Dictionary<string, int> _fulfilled = new(StringComparer.Ordinal);

        public int Count => _facts.Count;

        public void Do(PaymentFact fact)
        {
            lock (_facts)
            {
                if (_facts.Add(fact.Id) && fact.Kind == PaymentFactKind.Paid)
                {
                    string session = fact.Payment!.SessionId;
                    _fulfilled[session] = _fulfilled.GetValueOrDefault(session) + 1;
                }
            }
        }

        public int TimesFulfilled(string session) => _fulfilled.GetValueOrDefault(session);
    }

    private sealed class Operation(PaymentLinkRequest request)
    {
        private readonly HashSet<string> _ids = new(StringComparer.Ordinal);

        public PaymentLinkRequest Request { get; } = request;

        public string? LastError { get; set; }

        public PaymentLink? Final { get; private set; }

        public IReadOnlyCollection<string> Ids => _ids;

        public void Saw(PaymentLink link, bool isFinal)
        {
            lock (_ids)
            {
                _ids.Add(link.Id);
            }

            Final = isFinal ? link : Final;
        }
    }

    /// <summary>The provider's clock: its wall does not jump when ours does.</summary>
    private sealed class ProviderClock(VirtualClock clock) : TimeProvider
    {
        private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

        public override long TimestampFrequency => clock.TimestampFrequency;

        public override DateTimeOffset GetUtcNow() => Start + TimeSpan.FromTicks(clock.GetTimestamp());

        public override long GetTimestamp() => clock.GetTimestamp();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => clock.CreateTimer(callback, state, dueTime, period);
    }
}
