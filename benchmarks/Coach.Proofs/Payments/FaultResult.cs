using System.Globalization;

namespace Coach.Proofs.Payments;

/// <summary>What schedules gave, added up.</summary>
internal sealed class FaultResult
{
    public int Schedules { get; set; }

    public int Duplicates { get; set; }

    public int WrongAmount { get; set; }

    public int Lost { get; set; }

    public int Backwards { get; set; }

    /// <summary>Paid sessions that the host acted on more than once.</summary>
    public int FulfilledTwice { get; set; }

    /// <summary>Paid sessions that the host never acted on.</summary>
    public int NeverFulfilled { get; set; }

    /// <summary>Links that an event of the other mode changed.</summary>
    public int CrossedMode { get; set; }

    public int Facts { get; set; }

    public int Reconciled { get; set; }

    public int Links { get; set; }

    public int Simulated { get; set; }

    public int Crashes { get; set; }

    public int Faults { get; set; }

    public int Requests { get; set; }

    public int Paid { get; set; }

    public long Digest { get; set; }

    /// <summary>What was wrong, for people: schedule and finding.</summary>
    public List<string> Findings { get; init; } = [];

    public bool IsClean => Duplicates + WrongAmount + Lost + Backwards + FulfilledTwice + NeverFulfilled + CrossedMode == 0;

    public void Add(FaultResult other)
    {
        Schedules += other.Schedules;
        Duplicates += other.Duplicates;
        WrongAmount += other.WrongAmount;
        Lost += other.Lost;
        Backwards += other.Backwards;
        FulfilledTwice += other.FulfilledTwice;
        NeverFulfilled += other.NeverFulfilled;
        CrossedMode += other.CrossedMode;
        Facts += other.Facts;
        Reconciled += other.Reconciled;
        Links += other.Links;
        Simulated += other.Simulated;
        Crashes += other.Crashes;
        Faults += other.Faults;
        Requests += other.Requests;
        Paid += other.Paid;
        Digest = unchecked(Digest + (other.Digest * 2_654_435_761));
        Findings.AddRange(other.Findings);
    }

    /// <summary>The summary line. A digest is the same wherever a seed is repeated, which takes processes of one thread.</summary>
    public string ToJson(int seed, bool hasDigest = true)
    {
        string digest = hasDigest ? $",\"digest\":\"{Digest:x16}\"" : "";
        return string.Create(CultureInfo.InvariantCulture,
            $"{{\"schedules\":{Schedules},\"duplicates\":{Duplicates},\"wrongAmount\":{WrongAmount},\"lost\":{Lost},\"backwards\":{Backwards},\"fulfilledTwice\":{FulfilledTwice},\"neverFulfilled\":{NeverFulfilled},\"crossedMode\":{CrossedMode},\"facts\":{Facts},\"reconciled\":{Reconciled},\"seed\":{seed},\"links\":{Links},\"simulated\":{Simulated},\"paid\":{Paid},\"crashes\":{Crashes},\"faults\":{Faults},\"requests\":{Requests}{digest}}}");
    }
}
