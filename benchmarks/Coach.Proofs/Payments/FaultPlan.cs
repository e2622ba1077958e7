using Coach.Testing;

namespace Coach.Proofs.Payments;

/// <summary>What one schedule does: drawn from its seed alone.</summary>
internal sealed class FaultPlan
{
    private readonly Random _random;
    private readonly Lock _gate = new();
    private readonly double _faultRate;
    private readonly double _storeFaultRate;
    private readonly Dictionary<StripeRequest, StripeFault> _faults = new(ReferenceEqualityComparer.Instance);
    private long _digest = 17;

    public FaultPlan(int seed, int index)
    {
        Seed = unchecked((seed * 1_000_003) + index);
        _random = new Random(Seed);
        _faultRate = _random.NextDouble() * 0.6;
        _storeFaultRate = _random.Next(3) == 0 ? _random.NextDouble() * 0.1 : 0;
        bool isLive = _random.Next(10) < 7;
        Store = _random.Next(100) switch { < 70 => StoreKind.Shared, < 96 => StoreKind.LostAtRestart, _ => StoreKind.File };

        // Lost records, a test key and an outage together may simulate what exists as a test link already: a documented limit.
        IsLive = isLive || Store == StoreKind.LostAtRestart;
        Operations = 1 + _random.Next(3);
        Lives = 1 + _random.Next(4);
        Replicas = Store == StoreKind.Shared ? 1 + _random.Next(2) : 1;
    }

    public enum StoreKind
    {
        Shared,
        LostAtRestart,
        File,
    }

    public int Seed { get; }

    public bool IsLive { get; }

    public StoreKind Store { get; }

    public int Operations { get; }

    public int Lives { get; }

    public int Replicas { get; }

    public bool IsStorm { get; set; } = true;

    public int Faults { get; private set; }

    /// <summary>Tells schedules apart: a fold of every number drawn.</summary>
    public long Digest => _digest;

    public int Next(int below)
    {
        lock (_gate)
        {
            int value = _random.Next(below);
            _digest = unchecked((_digest * 31) + value);
            return value;
        }
    }

    public bool Chance(double probability) => Next(1_000_000) < probability * 1_000_000;

    public TimeSpan UpTo(TimeSpan longest) => longest * (Next(1000) / 1000.0);

    public bool NextStoreFault() => IsStorm && _storeFaultRate > 0 && Chance(_storeFaultRate);

    /// <summary>What went wrong with a request, for the findings.</summary>
    public string FaultOf(StripeRequest request) => _faults.TryGetValue(request, out StripeFault? fault) ? $"{fault.Kind} {fault.HttpStatus}" : "";

    public StripeFault? NextFault(StripeRequest request)
    {
        if (DrawFault() is { } fault)
        {
            _faults[request] = fault;
            return fault;
        }

        return null;
    }

    private StripeFault? DrawFault()
    {
        if (!IsStorm || !Chance(_faultRate))
        {
            return null;
        }

        Faults++;
        return Next(16) switch
        {
            0 => StripeFault.Status(500),
            1 => StripeFault.Status(503),
            2 => StripeFault.RateLimited(Next(2) == 0 ? "1" : null),
            3 => StripeFault.LockTimeout(),
            4 => new StripeFault(StripeFaultKind.StoredError),
            5 => new StripeFault(StripeFaultKind.StoredErrorAfterEffect),
            6 => new StripeFault(StripeFaultKind.Reset),
            7 or 8 => new StripeFault(StripeFaultKind.LoseAnswer),
            9 => new StripeFault(StripeFaultKind.Hang),
            10 => new StripeFault(StripeFaultKind.HangAfterEffect),
            11 => new StripeFault(StripeFaultKind.Slow) { Delay = UpTo(TimeSpan.FromSeconds(40)) },
            12 => new StripeFault(StripeFaultKind.Truncate),
            13 => new StripeFault(StripeFaultKind.EmptySuccess),
            14 => new StripeFault(StripeFaultKind.Html),
            _ => new StripeFault(Next(2) == 0 ? StripeFaultKind.Refuse : StripeFaultKind.InUse),
        };
    }
}
