using Coach.AspNetCore.Draining;
using Coach.Testing;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Tests.Draining;

public sealed class DrainServiceTests : IDisposable
{
    private readonly VirtualClock _clock = new();
    private readonly DrainState _state = new();

    public void Dispose() => _state.Dispose();

    [Fact]
    public async Task Stop_WithoutWork_TakesNewWorkUntilTheDrainEnds()
    {
        Task stop = Stop();
        _clock.Advance(TimeSpan.FromSeconds(5) - TimeSpan.FromTicks(1));
        Assert.False(_state.IsClosed);
        Assert.False(stop.IsCompleted);
        _clock.Advance(TimeSpan.FromTicks(1));
        await stop;
        Assert.True(_state.IsClosed);
        Assert.False(_state.Cut.IsCancellationRequested);
    }

    [Fact]
    public async Task Stop_WithAnAnswerRunning_WaitsForItsEnd()
    {
        _state.Enter();
        Task stop = Stop();
        _clock.Advance(TimeSpan.FromSeconds(5));
        await ClosedAsync();
        _clock.Advance(TimeSpan.FromSeconds(10));
        Assert.False(stop.IsCompleted);
        _state.Leave();
        await stop;
        Assert.False(_state.Cut.IsCancellationRequested);
    }

    [Fact]
    public async Task Stop_WithAnAnswerThatDoesNotEnd_CutsItAfter25SecondsAndGoesOn()
    {
        _state.Enter();
        var cut = new TaskCompletionSource();
        using CancellationTokenRegistration told = _state.Cut.Register(cut.SetResult);
        Task stop = Stop();
        _clock.Advance(TimeSpan.FromSeconds(5));
        await ClosedAsync();
        _clock.Advance(TimeSpan.FromSeconds(20));
        await cut.Task;
        Assert.False(stop.IsCompleted); // its last words
        _state.Leave();
        await stop;
    }

    private Task Stop() => new DrainService(_state, Options.Create(new CoachDrainOptions()), _clock)
        .StoppingAsync(TestContext.Current.CancellationToken);

    // What follows a wait of the virtual clock may run on another thread.
    private async Task ClosedAsync()
    {
        while (!_state.IsClosed)
        {
            await Task.Yield();
        }

        await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
    }
}
