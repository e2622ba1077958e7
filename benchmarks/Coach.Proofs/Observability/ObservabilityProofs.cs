using System.CommandLine;

namespace Coach.Proofs.Observability;

/// <summary>The proofs of Coach.Observability.</summary>
internal static class ObservabilityProofs
{
    public static IEnumerable<Command> Commands => [Scrape()];

    private static Command Scrape()
    {
        var series = new Option<int>("--series") { Description = "Lines with a value on the page.", DefaultValueFactory = _ => 10_000 };
        var rounds = new Option<int>("--rounds") { Description = "Scrapes per figure; the best counts.", DefaultValueFactory = _ => 200 };
        var peers = new Option<bool>("--peers") { Description = "Also prometheus-net and OpenTelemetry's exporter, in the same run." };
        var command = new Command("scrape", "Time and memory of one scrape in both formats and with gzip, against the SDK's collection alone.") { series, rounds, peers };
        command.SetAction((result, _) => ScrapeProof.RunAsync(result.GetValue(series), result.GetValue(rounds), result.GetValue(peers)));
        return command;
    }
}
