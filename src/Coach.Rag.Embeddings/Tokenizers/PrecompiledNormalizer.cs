using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Coach.Rag.Embeddings.Tokenizers;

/// <summary>
/// SentencePiece's compiled character map: a double-array trie over UTF-8 (the layout of Darts-clone) whose values
/// point to replacements. Applied as the tokenizers library does: to a whole grapheme of fewer than six bytes, else
/// character by character.
/// </summary>
internal sealed class PrecompiledNormalizer : ITextNormalizer
{
    private const int MaxGraphemeBytes = 6;
    private readonly uint[] _trie;
    private readonly byte[] _replacements;

    /// <exception cref="FormatException">The map does not fit its own lengths.</exception>
    public PrecompiledNormalizer(byte[] map)
    {
        uint trieBytes = map.Length < 4 ? uint.MaxValue : BinaryPrimitives.ReadUInt32LittleEndian(map);
        if (trieBytes > map.Length - 4 || trieBytes % 4 != 0 || trieBytes == 0)
        {
            throw new FormatException("The character map is shorter than it says.");
        }

        _trie = new uint[trieBytes / 4];
        for (int i = 0; i < _trie.Length; i++)
        {
            _trie[i] = BinaryPrimitives.ReadUInt32LittleEndian(map.AsSpan(4 + (4 * i)));
        }

        _replacements = map[(4 + (int)trieBytes)..];
    }

    public string Normalize(string text)
    {
        var result = new StringBuilder(text.Length + 8);
        Span<byte> bytes = stackalloc byte[64];
        for (int at = 0; at < text.Length;)
        {
            int length = StringInfo.GetNextTextElementLength(text, at);
            ReadOnlySpan<char> grapheme = text.AsSpan(at, length);
            at += length;
            if (length < MaxGraphemeBytes && Encoding.UTF8.TryGetBytes(grapheme, bytes, out int count)
                && count < MaxGraphemeBytes
                && Find(bytes[..count]) is { } whole)
            {
                result.Append(whole);
                continue;
            }

            foreach (Rune rune in grapheme.EnumerateRunes())
            {
                if (Find(bytes[..rune.EncodeToUtf8(bytes)]) is { } replacement)
                {
                    result.Append(replacement);
                }
                else
                {
                    result.Append(rune);
                }
            }
        }

        return result.ToString();
    }

    // The shortest prefix that has a value decides, as in the tokenizers library.
    private string? Find(ReadOnlySpan<byte> key)
    {
        uint position = Offset(_trie[0]);
        foreach (byte label in key)
        {
            position ^= label;
            if (position >= _trie.Length || (_trie[position] & 0x8000_00FF) != label)
            {
                return null;
            }

            uint unit = _trie[position];
            position ^= Offset(unit);
            if ((unit & 0x100) != 0)
            {
                int start = position < _trie.Length ? (int)(_trie[position] & int.MaxValue) : int.MaxValue;
                if (start >= _replacements.Length)
                {
                    return null;
                }

                int end = _replacements.AsSpan(start).IndexOf((byte)0);
                return Encoding.UTF8.GetString(
                    end < 0 ? _replacements.AsSpan(start) : _replacements.AsSpan(start, end));
            }
        }

        return null;
    }

    private static uint Offset(uint unit) => (unit >> 10) << (int)((unit & 0x200) >> 6);
}
