using System.Security.Cryptography;
using System.Text;
using Coach.Rag.Store;

namespace Coach.Rag.Tests;

/// <summary>Made-up changes whose result is known, and a digest of all a snapshot shows.</summary>
internal static class IndexContent
{
    public static string Digest(IndexCommitReader snapshot)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{snapshot.CommitId};{snapshot.NextSegmentId};"));
        hash.AppendData(snapshot.Manifest.Span);
        foreach (IndexSegment segment in snapshot.Segments)
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"[{segment.Id}:{Convert.ToHexString(segment.DeletedRows.Bytes.Span)}"));
            foreach (IndexSection section in segment.Sections)
            {
                hash.AppendData(Encoding.UTF8.GetBytes($"({section.Kind}:{section.Length}"));
                hash.AppendData(section.Span);
            }
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }

    public static byte[] Bytes(Random random, int length)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }

    /// <summary>A change that depends on the seed and on the commit only.</summary>
    public static IndexChange Change(int seed, IndexCommitReader before, int maxSectionBytes = 40_000)
    {
        var random = new Random(unchecked((seed * 7919) + (int)before.CommitId));
        var add = new List<SegmentPayload>();
        for (int i = random.Next(0, 3); i >= 0; i--)
        {
            add.Add(new SegmentPayload()
                .Add(SectionKind.Text, Bytes(random, random.Next(0, maxSectionBytes)))
                .Add(SectionKind.Postings, Bytes(random, random.Next(0, 300)))
                .Add(SectionKind.DenseCodes, Bytes(random, random.Next(1, 20_000))));
        }

        long[] ids = [.. before.Segments.Select(segment => segment.Id)];
        long[] remove = [.. ids.Where(_ => random.Next(4) == 0)];
        return new IndexChange
        {
            Add = add,
            RemoveSegments = remove,
            DeletedRows = ids.Except(remove).Where(_ => random.Next(3) == 0).ToDictionary(id => id, _ => Bytes(random, random.Next(1, 40))),
            Manifest = random.Next(2) == 0 ? Bytes(random, random.Next(1, 200)) : null,
            BasedOn = before.CommitId,
        };
    }

    public static string Commit(IIndexStore store, int seed)
    {
        using (IndexCommitReader before = store.Acquire())
        {
            store.Commit(Change(seed, before), default);
        }

        using IndexCommitReader after = store.Acquire();
        return Digest(after);
    }
}
