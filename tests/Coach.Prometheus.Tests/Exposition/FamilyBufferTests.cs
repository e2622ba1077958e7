using System.Text;
using Coach.Prometheus.Exposition;

namespace Coach.Prometheus.Tests.Exposition;

/// <summary>Blocks are written over; what comes out must be what a fresh block would hold.</summary>
public sealed class FamilyBufferTests
{
    [Fact]
    public void Lines_WrittenOver_EqualAFreshBlock()
    {
        const int Seed = 11;
        var random = new Random(Seed);
        var block = new FamilyBuffer();
        object layout = new();
        List<string> texts = ["a{x=\"1\"} "];
        long[] values = new long[400];
        for (int round = 0; round < 3000; round++)
        {
            block.Begin(layout, "# HEAD\n"u8);
            var expected = new StringBuilder("# HEAD\n");
            for (int line = 0; line < texts.Count; line++)
            {
                if (random.Next(60) == 0)
                {
                    if (random.Next(2) == 0)
                    {
                        block.Skip(); // this line is left out, this time
                        continue;
                    }

                    block.Raw("raw 7 # {}\n"u8);
                    expected.Append("raw 7 # {}\n");
                }

                if (random.Next(3) == 0)
                {
                    values[line] = random.Next(4) switch
                    {
                        0 => random.Next(10),
                        1 => random.NextInt64(),
                        _ => values[line] + 1,
                    };
                }

                if (!block.TryKeep(values[line]))
                {
                    block.Line(
                        Encoding.UTF8.GetBytes(texts[line]), Encoding.UTF8.GetBytes(Text(values[line])), values[line]);
                }

                expected.Append(texts[line]).Append(Text(values[line])).Append('\n');
            }

            while (random.Next(40) == 0 && texts.Count < 300)
            {
                // A point is learnt at the end: the layout is another from now on.
                texts.Add($"a{{x=\"{new string('y', random.Next(40))}\"}} ");
                layout = new object();
                block.Break();
                block.Line(Encoding.UTF8.GetBytes(texts[^1]), "0"u8, values[texts.Count - 1] = 0);
                expected.Append(texts[^1]).Append("0\n");
            }

            block.End(layout);
            Assert.True(
                expected.ToString() == Encoding.UTF8.GetString(block.Memory.Span), $"round {round}, seed {Seed}");
            if (random.Next(50) == 0)
            {
                (texts, layout) = ([.. texts.AsEnumerable().Reverse()], new object());
            }
        }

        static string Text(long value) => value.ToString(System.Globalization.CultureInfo.InvariantCulture);
    }

    [Fact]
    public void Begin_WithAnotherLayout_TrustsNothing()
    {
        var block = new FamilyBuffer();
        block.Begin(new object(), "h\n"u8);
        block.Line("old "u8, "1"u8, 1);
        block.End(new object());
        block.Begin(new object(), "h\n"u8);
        Assert.False(block.TryKeep(1));
        block.Line("new "u8, "1"u8, 1);
        block.End(new object());
        Assert.Equal("h\nnew 1\n", Encoding.UTF8.GetString(block.Memory.Span));
    }

    [Fact]
    public void End_AfterALargePage_GivesMemoryBack()
    {
        var block = new FamilyBuffer();
        object layout = new();
        block.Begin(layout, new byte[1_000_000]);
        block.End(layout);
        block.Begin(layout, "h"u8);
        block.End(layout);
        Assert.Equal("h", Encoding.UTF8.GetString(block.Memory.Span));
        Assert.True(
            System.Runtime.InteropServices.MemoryMarshal.TryGetArray(block.Memory, out ArraySegment<byte> bytes));
        Assert.InRange(bytes.Array!.Length, 1, 1024);
    }
}
