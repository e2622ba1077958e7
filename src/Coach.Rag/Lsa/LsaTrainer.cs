using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Text;
using Coach.Rag.Segments;
using Coach.Rag.Store;

namespace Coach.Rag.Lsa;

/// <summary>
/// Learns the latent space from the passages of an index: truncated SVD of the log-entropy matrix with rows of length
/// one (Dumais, "Improving the retrieval of information from external sources", 1991). The same input gives the same
/// model.
/// </summary>
internal static class LsaTrainer
{
    /// <summary>Learns the term vectors.</summary>
    /// <returns>Null when there is too little to learn from.</returns>
    public static LsaTraining? Train(IndexReader index, int threads, CancellationToken cancellationToken)
    {
        if (index.LivePassages < LsaFormat.MinPassages)
        {
            return null;
        }

        (List<byte[]> terms, int[][] maps) = ChooseTerms(index, cancellationToken);
        if (terms.Count < LsaFormat.MinTerms)
        {
            return null;
        }

        SparseMatrix matrix = Matrix(index, terms.Count, maps, out float[] weights, cancellationToken);
        int wanted = Math.Min(LsaFormat.DimensionsFor(matrix.Rows), Math.Min(matrix.Rows, matrix.Columns) - 1);
        (DenseMatrix vectors, int dimensions) = RandomizedSvd.RightVectors(matrix, wanted, threads, cancellationToken);
        if (dimensions < LsaFormat.MinRank)
        {
            return null;
        }

        for (int t = 0; t < terms.Count; t++)
        {
            TensorPrimitives.Multiply(vectors.Row(t), weights[t], vectors.Row(t));
        }

        return new LsaTraining(terms, vectors, dimensions, index.LivePassages);
    }

    // Terms of at least two passages, the commonest if there are too many; and for each segment its terms' numbers.
    private static (List<byte[]> Terms, int[][] Maps) ChooseTerms(
        IndexReader index, CancellationToken cancellationToken)
    {
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        var counts = new List<int>();
        var maps = new int[index.Segments.Count][];
        for (int s = 0; s < maps.Length; s++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            SegmentReader segment = index.Segments[s].Reader;
            maps[s] = new int[segment.Terms];
            for (int t = 0; t < segment.Terms; t++)
            {
                ref int id = ref CollectionsMarshal.GetValueRefOrAddDefault(
                    ids, Encoding.UTF8.GetString(segment.Term(t)), out bool exists);
                if (!exists)
                {
                    id = counts.Count;
                    counts.Add(0);
                }

                maps[s][t] = id;
                counts[id] += segment.Statistics(t).Rows;
            }
        }

        IEnumerable<KeyValuePair<string, int>> chosen = ids.Where(pair => counts[pair.Value] >= 2);
        if (chosen.Count() > LsaFormat.MaxTerms)
        {
            chosen = chosen.OrderByDescending(pair => counts[pair.Value])
                .ThenBy(pair => pair.Key, StringComparer.Ordinal).Take(LsaFormat.MaxTerms);
        }

        List<(byte[] Name, int Id)> terms = [.. chosen.Select(pair => (Encoding.UTF8.GetBytes(pair.Key), pair.Value))];
        terms.Sort((x, y) => x.Name.AsSpan().SequenceCompareTo(y.Name));
        var numbers = new int[counts.Count];
        Array.Fill(numbers, -1);
        for (int i = 0; i < terms.Count; i++)
        {
            numbers[terms[i].Id] = i;
        }

        foreach (int[] map in maps)
        {
            for (int t = 0; t < map.Length; t++)
            {
                map[t] = numbers[map[t]];
            }
        }

        return ([.. terms.Select(term => term.Name)], maps);
    }

    private static SparseMatrix Matrix(
        IndexReader index, int terms, int[][] maps, out float[] weights, CancellationToken cancellationToken)
    {
        // An even sample, the same each time: every passage whose number times a fixed odd constant falls below the
        // share.
        uint share = index.LivePassages <= LsaFormat.MaxTrainingPassages ? uint.MaxValue
            : (uint)((double)LsaFormat.MaxTrainingPassages / index.LivePassages * uint.MaxValue);
        var starts = new List<int> { 0 };
        var indices = new List<int>();
        var values = new List<float>();
        var occurrences = new double[terms];
        var logs = new double[terms];
        uint number = 0;
        for (int s = 0; s < maps.Length; s++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            (SegmentReader segment, FixedBitSet deleted) = index.Segments[s];
            TermVectors forward = TermVectors.Of(segment, maps[s]);
            for (int row = 0; row < segment.Rows; row++)
            {
                if (deleted[row] || unchecked(++number * 2654435769u) > share)
                {
                    continue;
                }

                for (int e = forward.Starts[row]; e < forward.Starts[row + 1]; e++)
                {
                    int frequency = forward.Frequencies[e];
                    indices.Add(forward.Terms[e]);
                    values.Add(frequency);
                    occurrences[forward.Terms[e]] += frequency;
                    logs[forward.Terms[e]] += frequency * Math.Log(frequency);
                }

                starts.Add(indices.Count);
            }
        }

        int rows = starts.Count - 1;
        weights = new float[terms];
        for (int t = 0; t < terms; t++)
        {
            // Σ p·ln p with p = tf / gf; 1 + that over ln n is 1 for a word of one passage, 0 for one that is
            // everywhere alike.
            double entropy = occurrences[t] > 0 ? (logs[t] / occurrences[t]) - Math.Log(occurrences[t]) : 0;
            weights[t] = (float)Math.Max(0, 1 + (entropy / Math.Log(Math.Max(rows, 2))));
        }

        float[] entries = [.. values];
        int[] columns = [.. indices];
        for (int row = 0; row < rows; row++)
        {
            double length = 0;
            for (int e = starts[row]; e < starts[row + 1]; e++)
            {
                entries[e] = LsaModel.Occurrences((int)entries[e]) * weights[columns[e]];
                length += entries[e] * entries[e];
            }

            float scale = length > 0 ? (float)(1 / Math.Sqrt(length)) : 0;
            TensorPrimitives.Multiply(
                entries.AsSpan(starts[row]..starts[row + 1]), scale, entries.AsSpan(starts[row]..starts[row + 1]));
        }

        return new SparseMatrix(rows, terms, [.. starts], columns, entries);
    }
}

/// <summary>What was learnt.</summary>
/// <param name="Terms">The terms, sorted by their UTF-8 bytes.</param>
/// <param name="Vectors">For each term a row: entropy weight × singular vector.</param>
/// <param name="Dimensions">How many columns of the rows count.</param>
/// <param name="Passages">How many passages there were.</param>
internal sealed record LsaTraining(IReadOnlyList<byte[]> Terms, DenseMatrix Vectors, int Dimensions, int Passages);
