using System.Text;
using System.Threading.Channels;
using Coach.AspNetCore.Chat;
using Coach.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.AspNetCore.Tests.Chat;

public sealed class ServerSentEventWriterTests : IAsyncDisposable
{
    private readonly PacketStream _body = new();
    private readonly CancellationTokenSource _reader = new();
    private readonly ServiceProvider _services = new ServiceCollection()
        .ConfigureHttpJsonOptions(options =>
            options.SerializerOptions.TypeInfoResolverChain.Insert(0, CoachJsonContext.Default))
        .BuildServiceProvider();

    public async ValueTask DisposeAsync()
    {
        _reader.Dispose();
        await _body.DisposeAsync();
        await _services.DisposeAsync();
    }

    [Fact]
    public async Task What_is_ready_at_once_goes_out_in_one_packet()
    {
        ServerSentEventWriter stream = Writer();
        await CopyAsync(stream, Ready("a", "b", "c"));
        await stream.WriteAsync(DeltaEvent.Name, new DeltaEvent { Text = "d" });

        Assert.Equal(Events("a", "b", "c", "d"), Assert.Single(_body.Packets));
    }

    [Fact]
    public async Task Nobody_waits_for_a_word_that_is_there()
    {
        var words = Channel.CreateUnbounded<string>();
        Task copy = CopyAsync(Writer(), words.Reader.ReadAllAsync(CancellationToken.None));
        foreach (string word in (string[])["a", "b"])
        {
            await words.Writer.WriteAsync(word, CancellationToken.None);
            Assert.Equal(Events(word), await _body.NextAsync());
        }

        words.Writer.Complete();
        await copy;
    }

    [Fact]
    public async Task A_source_that_is_always_ready_fills_packets_of_bounded_size()
    {
        await CopyAsync(Writer(), Ready([.. Enumerable.Repeat(new string('x', 400), 100)]));

        Assert.InRange(_body.Packets.Count, 8, 12);
        Assert.All(_body.Packets, packet => Assert.InRange(packet.Length, 4096, 4096 + 500));
    }

    [Fact]
    public async Task A_reader_who_left_ends_the_source_before_it_is_disposed()
    {
        var words = Channel.CreateUnbounded<string>();
        using var source = CancellationTokenSource.CreateLinkedTokenSource(_reader.Token);
        ServerSentEventWriter stream = Writer();
        Task copy = CopyAsync(stream, words.Reader.ReadAllAsync(source.Token));
        await words.Writer.WriteAsync("a", CancellationToken.None);
        await _body.NextAsync();
        _body.Fails = true;
        await _reader.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => copy);
    }

    [Fact]
    public async Task A_failed_packet_is_told_only_after_the_source_has_come_to_rest()
    {
        var gate = new TaskCompletionSource();
        bool isAtRest = false;
        _body.Fails = true;
        Task copy = CopyAsync(Writer(), WordsAsync());
        Assert.False(copy.IsCompleted);
        gate.SetResult();

        await Assert.ThrowsAsync<IOException>(() => copy);
        Assert.True(isAtRest);

        async IAsyncEnumerable<string> WordsAsync()
        {
            yield return "a";
            await gate.Task;
            isAtRest = true;
        }
    }

    private static string Events(params string[] words) =>
        string.Concat(words.Select(word => $"event: delta\ndata: {{\"text\":\"{word}\"}}\n\n"));

    private static async IAsyncEnumerable<string> Ready(params string[] words)
    {
        foreach (string word in words)
        {
            yield return word;
        }

        await Task.CompletedTask;
    }

    private static async Task CopyAsync(ServerSentEventWriter stream, IAsyncEnumerable<string> words)
    {
        await using IAsyncEnumerator<string> source = words.GetAsyncEnumerator(CancellationToken.None);
        while (await stream.NextAsync(source))
        {
            stream.Write(DeltaEvent.Name, new DeltaEvent { Text = source.Current });
        }
    }

    private ServerSentEventWriter Writer()
    {
        var context = new DefaultHttpContext
        {
            RequestServices = _services,
            RequestAborted = _reader.Token,
        };
        context.Features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(_body));
        return new ServerSentEventWriter(context);
    }

    // Each write of the server is a packet.
    private sealed class PacketStream : MemoryStream
    {
        private readonly Channel<string> _next = Channel.CreateUnbounded<string>();

        public List<string> Packets { get; } = [];

        public bool Fails { get; set; }

        public async Task<string> NextAsync() =>
            await _next.Reader.ReadAsync(CancellationToken.None).AsTask().WaitAsync(TimeSpan.FromSeconds(30));

        public override async Task FlushAsync(CancellationToken cancellationToken)
        {
            if (Fails)
            {
                cancellationToken.ThrowIfCancellationRequested();
                throw new IOException("The connection is gone.");
            }

            string packet = Encoding.UTF8.GetString(ToArray());
            SetLength(0);
            Packets.Add(packet);
            await _next.Writer.WriteAsync(packet, cancellationToken);
        }
    }
}
