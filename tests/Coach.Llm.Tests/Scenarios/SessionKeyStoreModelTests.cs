using Coach.Abstractions;
using Coach.Testing;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Llm.Tests;

/// <summary>Any sequence of operations and pauses gives what a simple table of (set at, used at) would give.</summary>
public class SessionKeyStoreModelTests
{
    private static readonly TimeSpan Sliding = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Absolute = TimeSpan.FromSeconds(200);
    private static readonly string[] Providers = ["a", "b", "c"];

    private enum Kind
    {
        Set, Get, List, Touch, RemoveOne, RemoveAll, Wait,
    }

    [Fact]
    public void MemoryStore_AnySequence_EqualsTheModel() => Check.One(Config.QuickThrowOnFailure.WithMaxTest(300), Prop.ForAll(
        (from kind in Gen.Elements(Enum.GetValues<Kind>())
         from session in Gen.Choose(0, 2)
         from number in Gen.Choose(0, 99)
         select (kind, session, number)).ListOf().ToArbitrary(),
        steps =>
        {
            var clock = new VirtualClock();
            using ServiceProvider host = LlmHost.Build(clock: clock, options: o =>
                (o.Sessions.SlidingExpiration, o.Sessions.AbsoluteExpiration, o.Sessions.SweepInterval) = (Sliding, Absolute, TimeSpan.FromSeconds(7)));
            var store = host.GetRequiredService<ISessionKeyStore>();
            var model = new Dictionary<(int Session, string Provider), (ApiKey Key, DateTimeOffset Set, DateTimeOffset Used)>();
            foreach ((Kind kind, int session, int number) in steps)
            {
                DateTimeOffset now = clock.GetUtcNow();
                foreach (var over in model.Where(pair => now - pair.Value.Used >= Sliding || now - pair.Value.Set >= Absolute).ToList())
                {
                    model.Remove(over.Key);
                }

                SessionId id = SessionId.From($"s{session}");
                string provider = Providers[number % Providers.Length];
                switch (kind)
                {
                    case Kind.Set:
                        ApiKey key = LlmHost.Key(provider, $"key-{number}");
                        Now(store.SetAsync(id, key));
                        model[(session, provider)] = (key, now, now);
                        break;
                    case Kind.Get:
                        ApiKey? expected = model.TryGetValue((session, provider), out var held) ? held.Key : null;
                        if (Now(store.GetAsync(id, provider)) != expected && !Equals(Now(store.GetAsync(id, provider)), expected))
                        {
                            return false;
                        }

                        if (expected is not null)
                        {
                            model[(session, provider)] = held with { Used = now };
                        }

                        break;
                    case Kind.List:
                        if (!Now(store.ListAsync(id)).SequenceEqual(model.Where(pair => pair.Key.Session == session).OrderBy(pair => pair.Key.Provider).Select(pair => pair.Value.Key)))
                        {
                            return false;
                        }

                        break;
                    case Kind.Touch:
                        foreach (var pair in model.Where(pair => pair.Key.Session == session).ToList())
                        {
                            model[pair.Key] = pair.Value with { Used = now };
                        }

                        if (Now(store.TouchAsync(id)) != model.Keys.Any(held => held.Session == session))
                        {
                            return false;
                        }

                        break;
                    case Kind.RemoveOne:
                        if (Now(store.RemoveAsync(id, provider)) != model.Remove((session, provider)))
                        {
                            return false;
                        }

                        break;
                    case Kind.RemoveAll:
                        Now(store.RemoveAsync(id));
                        foreach (var pair in model.Where(pair => pair.Key.Session == session).ToList())
                        {
                            model.Remove(pair.Key);
                        }

                        break;
                    default:
                        clock.Advance(TimeSpan.FromSeconds(number));
                        break;
                }
            }

            return true;
        }));

    // The store in memory answers at once.
    private static T Now<T>(ValueTask<T> answer) => answer.IsCompleted ? answer.GetAwaiter().GetResult() : throw new InvalidOperationException("not at once");

    private static void Now(ValueTask answer)
    {
        if (!answer.IsCompleted)
        {
            throw new InvalidOperationException("not at once");
        }

        answer.GetAwaiter().GetResult();
    }
}
