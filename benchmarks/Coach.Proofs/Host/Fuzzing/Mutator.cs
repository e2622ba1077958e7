namespace Coach.Proofs.Host.Fuzzing;

/// <summary>Changes bytes as storage, networks and people do: a few of several kinds at once, decided by the seed.</summary>
internal sealed class Mutator(int seed, IReadOnlyList<byte[]> corpus, IReadOnlyList<byte[]> words, int maxBytes = 256 * 1024)
{
    private static readonly byte[] Interesting = [0, 1, 9, 10, 13, 32, 34, 39, 47, 60, 62, 91, 92, 123, 127, 128, 192, 224, 240, 255];

    private readonly Random _random = new(seed);

    public byte[] Next()
    {
        List<byte> bytes = [.. corpus[_random.Next(corpus.Count)]];
        for (int left = 1 << _random.Next(5); left > 0; left--)
        {
            Change(bytes);
        }

        return [.. bytes.Take(maxBytes)];
    }

    private void Change(List<byte> bytes)
    {
        int at = _random.Next(bytes.Count + 1);
        switch (_random.Next(9))
        {
            case 0 when at < bytes.Count:
                bytes[at] ^= (byte)(1 << _random.Next(8));
                break;
            case 1 when at < bytes.Count:
                bytes[at] = Interesting[_random.Next(Interesting.Length)];
                break;
            case 2:
                bytes.RemoveRange(at, Math.Min(bytes.Count - at, 1 << _random.Next(10)));
                break;
            case 3:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            case 4 when words.Count > 0:
                bytes.InsertRange(at, words[_random.Next(words.Count)]);
                break;
            case 5:
                byte[] other = corpus[_random.Next(corpus.Count)];
                int from = _random.Next(other.Length + 1);
                bytes.InsertRange(at, other.Skip(from).Take(1 << _random.Next(12)));
                break;
            case 6:
                byte[] noise = new byte[1 << _random.Next(6)];
                _random.NextBytes(noise);
                bytes.InsertRange(at, noise);
                break;
            case 7 when bytes.Count > 0:
                Repeat(bytes, Math.Min(at, bytes.Count - 1));
                break;
            default:
                Overwrite(bytes, at);
                break;
        }
    }

    // What is quadratic shows when a piece comes very often.
    private void Repeat(List<byte> bytes, int at)
    {
        byte[] piece = [.. bytes.Skip(at).Take(1 + _random.Next(24))];
        int times = Math.Min(1 << _random.Next(15), maxBytes / piece.Length);
        var all = new byte[piece.Length * times];
        for (int i = 0; i < times; i++)
        {
            piece.CopyTo(all, i * piece.Length);
        }

        bytes.InsertRange(at, all);
    }

    // Numbers in files: lengths, counts and places that are very small, very large or negative.
    private void Overwrite(List<byte> bytes, int at)
    {
        long value = _random.Next(6) switch { 0 => 0, 1 => -1, 2 => int.MaxValue, 3 => long.MaxValue, 4 => bytes.Count, _ => _random.NextInt64() };
        byte[] number = BitConverter.GetBytes(value);
        for (int i = 0; i < (_random.Next(2) == 0 ? 4 : 8) && at + i < bytes.Count; i++)
        {
            bytes[at + i] = number[i];
        }
    }
}
