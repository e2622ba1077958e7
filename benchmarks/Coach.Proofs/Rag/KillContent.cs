using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Coach.Rag;
using Coach.Rag.Store;

namespace Coach.Proofs.Rag;

/// <summary>Changes that follow from the seed and the commit before, so that the content of every commit is known.</summary>
internal sealed class KillContent(int seed) : IDisposable
{
    private readonly MemoryIndexStore _model = new();
    private readonly List<string> _digests = [];

    public string DigestAt(long commit)
    {
        while (_digests.Count <= commit)
        {
            using IndexCommitReader now = _model.Acquire();
            if (_digests.Count > 0)
            {
                _model.Commit(Change(seed, now), default);
            }

            using IndexCommitReader next = _model.Acquire();
            _digests.Add(Digest(next));
        }

        return _digests[(int)commit];
    }

    public static IndexChange Change(int seed, IndexCommitReader before)
    {
        var random = new Random(unchecked((seed * 7919) + (int)before.CommitId));
        var add = new List<SegmentPayload>();
        for (int i = random.Next(0, 2); i >= 0; i--)
        {
            add.Add(new SegmentPayload()
                .Add(SectionKind.Text, Bytes(random, random.Next(0, random.Next(8) == 0 ? 3_000_000 : 60_000)))
                .Add(SectionKind.Postings, Bytes(random, random.Next(0, 4000)))
                .Add(SectionKind.DenseCodes, Bytes(random, random.Next(1, 30_000))));
        }

        long[] ids = [.. before.Segments.Select(segment => segment.Id)];
        long[] remove = [.. ids.Where(_ => random.Next(4) == 0)];
        return new IndexChange
        {
            Add = add,
            RemoveSegments = remove,
            DeletedRows = ids.Except(remove).Where(_ => random.Next(3) == 0).ToDictionary(id => id, _ => Bytes(random, random.Next(1, 400))),
            Manifest = random.Next(2) == 0 ? Bytes(random, random.Next(1, 2000)) : null,
            BasedOn = before.CommitId,
        };
    }

    public static string Digest(IndexCommitReader snapshot)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        void Text(FormattableString text) => hash.AppendData(Encoding.UTF8.GetBytes(text.ToString(CultureInfo.InvariantCulture)));
        Text($"{snapshot.CommitId};{snapshot.NextSegmentId};");
        hash.AppendData(snapshot.Manifest.Span);
        foreach (IndexSegment segment in snapshot.Segments)
        {
            Text($"[{segment.Id}:{Convert.ToHexString(segment.DeletedRows.Bytes.Span)}");
            foreach (IndexSection section in segment.Sections)
            {
                Text($"({section.Kind}:{section.Length}");
                hash.AppendData(section.Span);
            }
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }

    public void Dispose() => _model.Dispose();

    private static byte[] Bytes(Random random, int length)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }
}
