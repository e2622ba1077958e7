using System.Security.Cryptography;
using System.Text;

namespace Coach.Testing.Providers;

/// <summary>Embeddings that depend on the text alone: equal texts are equal, texts that share words are near.</summary>
internal static class FakeVectors
{
    public static float[] Of(string text, int dimensions, float length)
    {
        float[] vector = new float[dimensions];
        char[] separators = [' ', ',', '.', '?', '!', ';', ':', '\n'];

        // Feature hashing: texts that share words get vectors that point the same way, and no model is needed.
        foreach (string word in text.ToLowerInvariant().Split(separators, StringSplitOptions.RemoveEmptyEntries))
        {
            byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes(word));
            for (int i = 0; i < 8; i++)
            {
                uint slot = BitConverter.ToUInt32(hash, i * 4);
                vector[slot % (uint)dimensions] += (slot & 0x80000000) == 0 ? 1 : -1;
            }
        }

        float norm = MathF.Sqrt(vector.Sum(x => x * x));
        if (norm == 0)
        {
            vector[0] = norm = 1;
        }

        return Array.ConvertAll(vector, x => x / norm * length);
    }
}
