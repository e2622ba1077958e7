using Coach.Payments;

namespace Coach.Proofs.Host.Fuzzing;

/// <summary>A journal of payments: it opens with records that were written, or it is refused and left as it is.</summary>
internal sealed class JournalTarget : FuzzTarget
{
    private const int Records = 8;

    private static readonly RequestHash Hash =
        RequestHash.TryParse(new string('a', 64), out RequestHash hash) ? hash : throw new InvalidOperationException("No hash.");

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("coach-fuzz-");
    private readonly Mutator _mutator;
    private readonly Dictionary<string, long> _amounts = [];

    private readonly byte[] _good;

    private JournalTarget(byte[] good, int seed) => (_good, _mutator) = (good, new Mutator(seed, [good], []));

    public override string Name => "journal";

    public static async Task<JournalTarget> CreateAsync(int seed)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("coach-fuzz-");
        string path = Path.Combine(folder.FullName, "journal");
        var amounts = new Dictionary<string, long>();
        using (var store = new FileIdempotencyStore(path))
        {
            for (int i = 0; i < Records; i++)
            {
                var request = new PaymentLinkRequest { OperationKey = $"key-{i}", Amount = Money.Create(100 + i, "usd"), Description = "x", Owner = "o" };
                var record = new PaymentRecord { Tag = $"tag-{i}", RequestHash = Hash, Request = request };
                IdempotencyClaim claim = await store.ClaimAsync(record, TimeSpan.FromMinutes(1));
                amounts[claim.Record.Tag] = request.Amount.MinorUnits;
            }
        }

        byte[] good = await File.ReadAllBytesAsync(path);
        folder.Delete(recursive: true);
        var target = new JournalTarget(good, seed);
        foreach ((string tag, long amount) in amounts)
        {
            target._amounts[tag] = amount;
        }

        return target;
    }

    public override byte[] Next() => _mutator.Next();

    public override async Task<bool> ReadsGoodAsync()
    {
        string path = Path.Combine(_folder.FullName, "good");
        await File.WriteAllBytesAsync(path, _good);
        using var store = new FileIdempotencyStore(path);
        return await CountAsync(store) == Records;
    }

    public override async Task<string?> TryAsync(byte[] input)
    {
        string path = Path.Combine(_folder.FullName, Guid.NewGuid().ToString("n"));
        await File.WriteAllBytesAsync(path, input);
        try
        {
            using var store = new FileIdempotencyStore(path);
            return await CountAsync(store) >= 0 ? null : "a record that nobody wrote";
        }
        catch (Exception exception) when (exception is InvalidDataException or PaymentStoreException)
        {
            return (await File.ReadAllBytesAsync(path)).AsSpan().SequenceEqual(input) ? null : "it was refused and changed";
        }
        finally
        {
            foreach (FileInfo file in _folder.GetFiles())
            {
                file.Delete();
            }
        }
    }

    // Below zero when one is not as it was written.
    private async Task<int> CountAsync(FileIdempotencyStore store)
    {
        int found = 0;
        foreach ((string tag, long amount) in _amounts)
        {
            PaymentRecord? record = await store.FindAsync(tag);
            if (record is not null && (record.Tag != tag || record.Request.Amount.MinorUnits != amount))
            {
                return -1;
            }

            found += record is null ? 0 : 1;
        }

        return found;
    }

    public override ValueTask DisposeAsync()
    {
        _folder.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }
}
