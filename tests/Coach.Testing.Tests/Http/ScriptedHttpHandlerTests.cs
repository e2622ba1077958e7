using System.Net;
using System.Text;
using Microsoft.Extensions.AI;

namespace Coach.Testing.Tests;

public sealed class ScriptedHttpHandlerTests
{
    private static readonly byte[] Body = Encoding.UTF8.GetBytes(new string('x', 1000));

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Answer_AnyDelivery_BringsTheSameBytes()
    {
        foreach (
            ResponseDelivery delivery in (ResponseDelivery[])[ResponseDelivery.Whole, ResponseDelivery.ByteByByte, ResponseDelivery.RandomChunks(7)])
        {
            using var handler = new ScriptedHttpHandler().Answer(HttpStatusCode.OK, Body, delivery: delivery);
            using var http = new HttpClient(handler);
            Assert.Equal(Body, await http.GetByteArrayAsync("http://fake/", Token));
            Assert.Equal(1, handler.ClosedBodies);
        }
    }

    [Fact]
    public async Task Answer_CutAfter_BreaksThere()
    {
        using var http = new HttpClient(new ScriptedHttpHandler().Answer(HttpStatusCode.OK, Body, delivery: ResponseDelivery.Whole.CutAfter(600)));
        using HttpResponseMessage response = await http.GetAsync("http://fake/", HttpCompletionOption.ResponseHeadersRead, Token);
        Stream stream = await response.Content.ReadAsStreamAsync(Token);
        byte[] buffer = new byte[2000];
        Assert.Equal(600, await stream.ReadAsync(buffer, Token));
        await Assert.ThrowsAsync<HttpIOException>(
            async () => await stream.ReadExactlyAsync(buffer.AsMemory(0, 1), Token));
    }

    [Fact]
    public async Task Answer_HangAfter_WaitsUntilCancelled()
    {
        var clock = new VirtualClock();
        using var http = new HttpClient(new ScriptedHttpHandler(clock).Answer(HttpStatusCode.OK, Body, delivery: ResponseDelivery.Whole.HangAfter(10)));
        using HttpResponseMessage response = await http.GetAsync("http://fake/", HttpCompletionOption.ResponseHeadersRead, Token);
        Stream stream = await response.Content.ReadAsStreamAsync(Token);
        Assert.Equal(10, await stream.ReadAsync(new byte[2000], Token));
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5), clock);
        Task<int> read = stream.ReadAsync(new byte[10], limit.Token).AsTask();
        clock.Advance(TimeSpan.FromSeconds(5));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read);
    }

    [Fact]
    public async Task Fail_ThenAnswer_FollowsTheScript()
    {
        using var handler = new ScriptedHttpHandler().Fail().Answer(HttpStatusCode.OK, Body);
        using var http = new HttpClient(handler);
        await Assert.ThrowsAsync<HttpRequestException>(() => http.GetByteArrayAsync("http://fake/", Token));
        Assert.Equal(Body, await http.GetByteArrayAsync("http://fake/", Token));
        Assert.Equal(2, handler.Requests);
    }
}
