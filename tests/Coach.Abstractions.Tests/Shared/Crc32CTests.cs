using System.Text;

namespace Coach.Abstractions.Tests.Shared;

public class Crc32CTests
{
    // RFC 3720, appendix B.4, and the check value of the catalogue of CRC algorithms.
    [Fact]
    public void Compute_KnownVectors_Agree()
    {
        Assert.Equal(0xE3069283u, Crc32C.Compute("123456789"u8));
        Assert.Equal(0x8A9136AAu, Crc32C.Compute(new byte[32]));
        Assert.Equal(0x62A8AB43u, Crc32C.Compute(Enumerable.Repeat((byte)0xFF, 32).ToArray()));
        Assert.Equal(0x46DD794Eu, Crc32C.Compute(Enumerable.Range(0, 32).Select(i => (byte)i).ToArray()));
        Assert.Equal(0u, Crc32C.Compute([]));
    }

    [Fact]
    public void Append_InPieces_IsTheSame()
    {
        byte[] text = Encoding.UTF8.GetBytes("The quick brown fox jumps over the lazy dog");
        for (int cut = 0; cut <= text.Length; cut++)
        {
            uint state = Crc32C.Append(Crc32C.Append(Crc32C.Start, text.AsSpan(0, cut)), text.AsSpan(cut));
            Assert.Equal(Crc32C.Compute(text), ~state);
        }
    }
}
