namespace Coach.Testing;

/// <summary>How the bytes of a scripted HTTP body reach the reader.</summary>
public sealed class ResponseDelivery
{
    private ResponseDelivery(Func<Random, int, int> next) => Next = next;

    internal Func<Random, int, int> Next { get; }

    internal int? CutAt { get; private init; }

    internal int? HangAt { get; private init; }

    internal int Seed { get; private init; }

    /// <summary>All bytes at once.</summary>
    public static ResponseDelivery Whole { get; } = new((_, left) => left);

    /// <summary>One byte per read.</summary>
    public static ResponseDelivery ByteByByte { get; } = new((_, _) => 1);

    /// <summary>Reads of random length.</summary>
    /// <param name="seed">Makes the lengths repeatable.</param>
    /// <param name="max">The longest read, in bytes.</param>
    /// <returns>The delivery.</returns>
    public static ResponseDelivery RandomChunks(int seed, int max = 64) =>
        new((random, _) => random.Next(1, max + 1)) { Seed = seed };

    /// <summary>Breaks the connection after so many bytes.</summary>
    /// <param name="bytes">How many arrive.</param>
    /// <returns>The delivery.</returns>
    public ResponseDelivery CutAfter(int bytes) => new(Next) { Seed = Seed, CutAt = bytes };

    /// <summary>Falls silent after so many bytes, until the read is cancelled.</summary>
    /// <param name="bytes">How many arrive.</param>
    /// <returns>The delivery.</returns>
    public ResponseDelivery HangAfter(int bytes) => new(Next) { Seed = Seed, HangAt = bytes };
}
