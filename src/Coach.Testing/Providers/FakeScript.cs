using System.Collections.Concurrent;

namespace Coach.Testing.Providers;

/// <summary>What a fake provider was told to answer, and how to fail.</summary>
internal sealed class FakeScript(string provider)
{
    private readonly Queue<(ProviderFault Fault, int Left)> _faults = new();

    public ConcurrentQueue<ScriptedAnswer> Answers { get; } = new();

    public Func<ProviderRequest, ScriptedAnswer> Standing { get; set; } = _ =>
        ScriptedAnswer.Text($"This is the fake {provider}.");

    public ScriptedAnswer NextAnswer(ProviderRequest request) =>
        Answers.TryDequeue(out ScriptedAnswer? answer) ? answer : Standing(request);

    public void Add(ProviderFault fault, int times)
    {
        lock (_faults)
        {
            _faults.Enqueue((fault, times));
        }
    }

    public void Clear()
    {
        lock (_faults)
        {
            _faults.Clear();
        }
    }

    public ProviderFault? TakeFault()
    {
        lock (_faults)
        {
            if (!_faults.TryDequeue(out (ProviderFault Fault, int Left) next))
            {
                return null;
            }

            if (next.Left > 1)
            {
                // Puts what is left of the run back in front of the ones that follow.
                (ProviderFault, int)[] rest = [.. _faults];
                _faults.Clear();
                _faults.Enqueue((next.Fault, next.Left - 1));
                foreach ((ProviderFault, int) entry in rest)
                {
                    _faults.Enqueue(entry);
                }
            }

            return next.Fault;
        }
    }
}
