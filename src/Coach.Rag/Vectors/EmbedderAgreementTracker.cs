namespace Coach.Rag.Vectors;

/// <summary>
/// What share of an encoder's nearest passages the other methods rank high, too, over the last questions, against what
/// chance would give.
/// </summary>
internal sealed class EmbedderAgreementTracker
{
    private const double Prior = 0.5;
    private const double PriorCount = 0.5;
    private const double Memory = 256;
    private const double FullTrust = 0.35;
    private const double NoTrust = 0.15;

    private readonly Lock _gate = new();
    private double _count = PriorCount;
    private double _above = Prior * PriorCount;

    /// <summary>0 for agreement by chance alone, 1 for a sound embedder.</summary>
    public float Trust => (float)Math.Clamp((Agreement - NoTrust) / (FullTrust - NoTrust), 0, 1);

    /// <summary>The mean share, 0 for chance and 1 for all.</summary>
    public double Agreement
    {
        get
        {
            lock (_gate)
            {
                return _above / _count;
            }
        }
    }

    public void Observe(double share, double chance)
    {
        if (chance > 0.5)
        {
            return;     // so few passages that agreement says nothing
        }

        lock (_gate)
        {
            if (_count >= Memory)
            {
                _count *= 1 - (1 / Memory);
                _above *= 1 - (1 / Memory);
            }

            _count++;
            _above += (share - chance) / (1 - chance);
        }
    }
}
