using System.Net.ServerSentEvents;
using System.Text;
using Coach.Llm.Streaming;

namespace Coach.Llm.Tests;

public sealed class SseReaderTests
{
    [Theory]
    [InlineData("data: a\n\ndata: b\n\n", "a|b")]
    [InlineData("data: a\r\n\r\ndata: b\r\n\r\n", "a|b")]
    [InlineData("data: a\r\rdata: b\r\r", "a|b")]
    [InlineData("\uFEFFdata:a\n\n", "a")]
    [InlineData("data: a\ndata: b\n\n", "a\nb")]
    [InlineData("data:  two spaces\n\n", " two spaces")]
    [InlineData(": comment\n\ndata: a\n: more\nid: 7\nretry: 10\n\n", "a")]
    [InlineData("data\n\ndata: a\n\n", "a")]
    [InlineData("data: last without a blank line", "last without a blank line")]
    [InlineData("", "")]
    [InlineData("\n\n\n", "")]
    public async Task ReadAsync_WellFormed_GivesEachEventsData(string text, string expected)
    {
        for (int chunk = 1; chunk <= Math.Max(1, text.Length); chunk++)
        {
            Assert.Equal(expected, string.Join('|', await ReadAsync(Encoding.UTF8.GetBytes(text), chunk)));
        }
    }

    [Theory]
    [InlineData("event: ping\n\ndata: a\n\n", "a")]
    [InlineData("event: ping\ndata\n\ndata: a\n\n", "a")]
    [InlineData("dbta: lost\n\ndata: a\n\n", "a")]
    [InlineData("data: a\nx\n\n", "a")]
    [InlineData("data: a\nunknown: b\nDATA: c\n\n", "a")]
    [InlineData(" data: b\ndata: a\n\n", "a")]
    [InlineData("retry: soon\nid: \u0000\nretry\nid\ndata: a\n\n", "a")]
    public async Task ReadAsync_FieldsThatAreNotKnown_AreIgnoredAsTheStandardSays(string text, string expected)
    {
        for (int chunk = 1; chunk <= text.Length; chunk++)
        {
            Assert.Equal(expected, string.Join('|', await ReadAsync(Encoding.UTF8.GetBytes(text), chunk)));
        }
    }

    [Fact]
    public async Task ReadAsync_CommentsForMinutes_TakeNoRoomAndAreTold()
    {
        string text = string.Concat(Enumerable.Repeat(": keep-alive\n", 5000)) + "data: a\n\n";
        using var reader = new SseReader(new ChunkedStream(Encoding.UTF8.GetBytes(text), 13), maxEventBytes: 64, maxBytes: 1 << 20);
        int comments = 0;
        while (await reader.ReadAsync(CancellationToken.None) && reader.IsComment)
        {
            comments++;
        }

        Assert.Equal("a", Encoding.UTF8.GetString(reader.Data));
        Assert.InRange(comments, 4000, 5000); // one for each read that ends in one
    }

    [Fact]
    public async Task ReadAsync_CommentWithinAnEvent_LosesNothingOfIt()
    {
        using var reader = new SseReader(new ChunkedStream("event: e\ndata: one\n: still there\ndata: two\n\n"u8.ToArray(), 33), 1000, 1000);
        Assert.True(await reader.ReadAsync(CancellationToken.None));
        Assert.True(reader.IsComment);
        Assert.True(await reader.ReadAsync(CancellationToken.None));
        Assert.Equal(("e", "one\ntwo"), (Encoding.UTF8.GetString(reader.EventType), Encoding.UTF8.GetString(reader.Data)));
    }

    [Theory]
    [InlineData("data: a\n\nerror: {\"code\":500}\n\n", "a|error={\"code\":500}")]
    [InlineData("error: {\"code\":500}", "error={\"code\":500}")]
    [InlineData("error: none\ndata: a\n\n", "a")]
    public async Task ReadAsync_FieldOfTheNameError_IsAnEventOfThatType(string text, string expected)
    {
        using var reader = new SseReader(new ChunkedStream(Encoding.UTF8.GetBytes(text), 5), 1000, 1000);
        List<string> events = [];
        while (await reader.ReadAsync(CancellationToken.None))
        {
            string type = Encoding.UTF8.GetString(reader.EventType);
            events.Add((type.Length == 0 ? "" : type + "=") + Encoding.UTF8.GetString(reader.Data));
        }

        Assert.Equal(expected, string.Join('|', events));
    }

    [Theory]
    [InlineData("{\"choices\": []}")]
    [InlineData("\uFEFF[\n{}\n]\n")]
    [InlineData("<html>\n</html>")]
    public async Task ReadAsync_NoEventStream_IsToldWithItsBody(string body)
    {
        for (int chunk = 1; chunk <= body.Length; chunk++)
        {
            using var reader = new SseReader(new ChunkedStream(Encoding.UTF8.GetBytes(body), chunk), 1000, 1000);
            Assert.False(await reader.ReadAsync(CancellationToken.None));
            Assert.True(reader.IsForeign);
            Assert.Equal(body.TrimStart('\uFEFF'), Encoding.UTF8.GetString(reader.Foreign));
        }
    }

    [Fact]
    public async Task ReadAsync_RandomEvents_ComeOutAsTheyWentIn()
    {
        for (int seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            string newline = ((string[])["\n", "\r\n", "\r"])[random.Next(3)];
            List<string> events = [.. Enumerable.Range(0, random.Next(1, 12)).Select(_ => new string('x', random.Next(1, 3000)) + "é🎯")];
            var text = new StringBuilder();
            foreach (string data in events)
            {
                text.Append(random.Next(4) == 0 ? $": note{newline}" : "").Append("data: ").Append(data).Append(newline).Append(newline);
            }

            List<string> actual = await ReadAsync(Encoding.UTF8.GetBytes(text.ToString()), random.Next(1, 5000));
            Assert.True(events.SequenceEqual(actual), $"seed {seed}");
        }
    }

    /// <summary>
    /// The in-box parser judges. It differs in what these streams leave out: it gives events with empty data, which say
    /// nothing here, drops a last one without its blank line, and keeps the type of an event without data for the next
    /// one, which the standard forgets.
    /// </summary>
    [Fact]
    public async Task ReadAsync_RandomStreams_GivesWhatTheInBoxParserGives()
    {
        for (int seed = 0; seed < 2_000; seed++)
        {
            var random = new Random(seed);
            byte[] body = Encoding.UTF8.GetBytes(RandomStream(random));
            List<(string Type, string Data)> expected = [];
            await foreach (SseItem<string> item in SseParser.Create(new MemoryStream(body)).EnumerateAsync())
            {
                if (item.Data.Length > 0)
                {
                    expected.Add((TypeOf(item.EventType), item.Data));
                }
            }

            List<(string Type, string Data)> actual = [];
            using var reader = new SseReader(new ChunkedStream(body, random.Next(1, 100)), 1 << 20, 1 << 24);
            while (await reader.ReadAsync(CancellationToken.None))
            {
                if (!reader.IsComment)
                {
                    actual.Add((TypeOf(Encoding.UTF8.GetString(reader.EventType)), Encoding.UTF8.GetString(reader.Data)));
                }
            }

            Assert.True(expected.SequenceEqual(actual), $"seed {seed}: {string.Join('|', expected)} is not {string.Join('|', actual)}");
        }
    }

    // The standard's word for an event whose type is empty, however it came to be so.
    private static string TypeOf(string type) => type.Length == 0 ? SseParser.EventTypeDefault : type;

    private static string RandomStream(Random random)
    {
        string[] fields = ["data", "data", "data", "event", "id", "retry", "DATA", "dat", " data", ":", "news", "event ", "data"];
        string[] values = ["", "a", " a", "  a", "é🎯", ":", "a: b", "message", "{\"x\":1}", new string('x', random.Next(200)), "\u0000", "7"];
        string[] newlines = ["\n", "\r\n", "\r"];
        bool isMixed = random.Next(2) == 0;
        string newline = newlines[random.Next(3)];
        var text = new StringBuilder(random.Next(4) == 0 ? "\uFEFF" : "");
        bool isTyped = false;
        bool hasData = false;
        for (int line = random.Next(40); line >= 0; line--)
        {
            bool isBlank = line == 0 || random.Next(4) == 0;
            if (isBlank && isTyped && !hasData)
            {
                text.Append("data: of a typed event").Append(newline);
            }

            string field = isBlank ? "" : fields[random.Next(fields.Length)];
            string colon = random.Next(8) == 0 ? "" : random.Next(2) == 0 ? ":" : ": ";
            text.Append(isBlank ? "" : field + colon + (colon.Length == 0 ? "" : values[random.Next(values.Length)]));
            string end = isMixed ? newlines[random.Next(3)] : newline;
            bool wouldJoin = isBlank && end == "\n" && text.Length > 0 && text[^1] == '\r'; // one line end, not two
            text.Append(wouldJoin ? "\r\n" : end);
            isTyped = !isBlank && (isTyped || field == "event");
            hasData = !isBlank && (hasData || field == "data");
        }

        return text.Append("\n\n\n").ToString();
    }

    [Fact]
    public async Task ReadAsync_EventType_BelongsToItsEventOnly()
    {
        using var reader = new SseReader(new MemoryStream("event: one\ndata: a\n\ndata: b\n\n"u8.ToArray()), 1000, 1000);
        Assert.True(await reader.ReadAsync(CancellationToken.None));
        Assert.Equal("one", Encoding.UTF8.GetString(reader.EventType));
        Assert.True(await reader.ReadAsync(CancellationToken.None));
        Assert.Equal("", Encoding.UTF8.GetString(reader.EventType));
        Assert.False(await reader.ReadAsync(CancellationToken.None));
    }

    [Fact]
    public async Task ReadAsync_EventTypeBetweenDataLines_IsNotOverwritten()
    {
        using var reader = new SseReader(new MemoryStream("data: a\nevent: one\ndata: bbbbbbbbbbbbbbbb\n\n"u8.ToArray()), 1000, 1000);
        Assert.True(await reader.ReadAsync(CancellationToken.None));
        Assert.Equal(("one", "a\nbbbbbbbbbbbbbbbb"), (Encoding.UTF8.GetString(reader.EventType), Encoding.UTF8.GetString(reader.Data)));
    }

    [Theory]
    [InlineData(1000, false)]
    [InlineData(999, true)]
    public async Task ReadAsync_AtTheTotalLimit_StopsOneByteAbove(int limit, bool isTooLarge)
    {
        byte[] body = Encoding.UTF8.GetBytes("data: " + new string('x', 992) + "\n\n");
        Assert.Equal(1000, body.Length);
        using var reader = new SseReader(new MemoryStream(body), 5000, limit);
        if (isTooLarge)
        {
            Assert.Equal(ProtocolError.TooLarge, (await Assert.ThrowsAsync<ProtocolException>(async () => await reader.ReadAsync(CancellationToken.None))).Fault);
        }
        else
        {
            Assert.True(await reader.ReadAsync(CancellationToken.None));
        }
    }

    [Theory]
    [InlineData(2000, false)]
    [InlineData(1999, true)]
    public async Task ReadAsync_AtAnEventsLimit_StopsOneByteAbove(int limit, bool isTooLarge)
    {
        byte[] body = Encoding.UTF8.GetBytes("data: " + new string('x', 2000) + "\n\n");
        using var reader = new SseReader(new MemoryStream(body), limit, 1 << 20);
        if (isTooLarge)
        {
            Assert.Equal(ProtocolError.TooLarge, (await Assert.ThrowsAsync<ProtocolException>(async () => await reader.ReadAsync(CancellationToken.None))).Fault);
        }
        else
        {
            Assert.True(await reader.ReadAsync(CancellationToken.None));
        }
    }

    private static async Task<List<string>> ReadAsync(byte[] body, int chunk)
    {
        using var reader = new SseReader(new ChunkedStream(body, chunk), 1 << 20, 1 << 24);
        var events = new List<string>();
        while (await reader.ReadAsync(CancellationToken.None))
        {
            if (!reader.IsComment)
            {
                events.Add(Encoding.UTF8.GetString(reader.Data));
            }
        }

        return events;
    }

    private sealed class ChunkedStream(byte[] body, int chunk) : MemoryStream(body)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(chunk, buffer.Length)], cancellationToken);
    }
}
