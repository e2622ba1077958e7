namespace Coach.Rag.Vectors;

/// <summary>
/// How often the best passage by vector is among those that BM25 lists, over the last questions, against what chance
/// would give. A sound embedder agrees in most questions; a random or broken one as often as chance.
/// </summary>
internal sealed class EmbedderAgreementTracker
{
    private const double Prior = 0.5;
    private const double PriorCount = 1;
    private const double Memory = 256;
    private const double FullTrust = 0.35;
    private const double NoTrust = 0.08;

    private readonly Lock _gate = new();
    private double _count = PriorCount;
    private double _agreed = Prior * PriorCount;
    private double _chance;

    /// <summary>0 for agreement by chance alone, 1 for a sound embedder.</summary>
    public float Trust
    {
        get
        {
            lock (_gate)
            {
                double above = (_agreed / _count) - _chance;
                return (float)Math.Clamp((above - NoTrust) / (FullTrust - NoTrust), 0, 1);
            }
        }
    }

    public void Observe(bool agrees, double chance)
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
                _agreed *= 1 - (1 / Memory);
            }

            _count++;
            _agreed += agrees ? 1 : 0;
            _chance += (chance - _chance) / Math.Min(_count, Memory);
        }
    }
}
