using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Coach.Integration.Tests.Hosting;

namespace Coach.Integration.Tests.Startup;

/// <summary>The sample as a process of its own: what a person sees who starts it right, or wrong.</summary>
public sealed class StartupTests
{
    [Fact]
    public async Task Start_PortInUse_SaysSoInOneSentenceAndExitsWith1()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        int port = ((IPEndPoint)taken.LocalEndpoint).Port;
        (int exitCode, string output) = await RunToEndAsync(("PORT", $"{port}"));
        Assert.Equal(1, exitCode);
        Assert.Contains(
            $"The address http://127.0.0.1:{port} is in use. Stop what listens there, or choose another port with "
            + "PORT=8081.",
            output);
        Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_SeveralWrongSettings_ReportsAllWithKeyValueAndRange()
    {
        (int exitCode, string output) = await RunToEndAsync(
            ("PORT", "0"), ("MODAL_MEMORY_MB", "-5"), ("Coach__Chat__MaxMessageLength", "0"), ("Coach__Rag__Top", "0"));
        Assert.Equal(1, exitCode);
        Assert.Contains("Coach:Deployment:MemoryMb", output);
        Assert.Contains("-5", output);
        Assert.Contains("Coach:Chat:MaxMessageLength is 0; it must be between 1 and 60000.", output);
        Assert.Contains("Coach:Rag:Top is 0; it must be between 1 and 1000.", output);
        Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("PORT", "99999", "PORT is 99999; it must be between 0 and 65535.")]
    [InlineData("PORT", "abc", "PORT is abc; it must be between 0 and 65535.")]
    [InlineData(
        "LOG_LEVEL",
        "banana",
        "LOG_LEVEL is banana; it must be one of Trace, Debug, Information, Warning, Error, Critical, None.")]
    [InlineData(
        "Logging__LogLevel__Default",
        "banana",
        "Logging:LogLevel:Default is banana; it must be one of Trace, Debug, Information, Warning, Error, Critical, "
        + "None.")]
    [InlineData("PORT", "sk-proj-abcdefghijklmnopqrstuvwx", "PORT is ***; it must be between 0 and 65535.")]
    [InlineData("TEMPERATURE", "abc", "Coach:Llm:Temperature is abc; it must be a number.")]
    [InlineData("Coach__Rag__Encoder", "gpt", "Coach:Rag:Encoder is 'gpt'; it must be 'minilm' or 'none'.")]
    [InlineData(
        "HOST",
        "loclahost",
        "HOST is loclahost; it must be an IP address of this machine, localhost, or * for every address.")]
    [InlineData(
        "Coach__Speech__Enabled",
        "true",
        "Coach:Speech:Enabled is true and Coach:Llm:Cartesia:Voice is missing; set it to the id of a voice.")]
    [InlineData("Coach__Knowledge__AllowEditing", "maybe", "Coach:Knowledge:AllowEditing is maybe; it must be true or false.")]
    [InlineData(
        "Kestrel__Endpoints__Http__Url", "junk", "Invalid url: 'junk'; an address is like http://127.0.0.1:8080.")]
    [InlineData(
        "Coach__Observability__HealthTimeout",
        "abc",
        "Coach:Observability:HealthTimeout is abc; it must be a duration such as 00:00:05.")]
    [InlineData(
        "Coach__RateLimits__SessionBurst", "abc", "Coach:RateLimits:SessionBurst is abc; it must be a whole number.")]
    [InlineData("Coach__Rag__Required", "perhaps", "Coach:Rag:Required is perhaps; it must be true or false.")]
    public async Task Start_ValueOfTheWrongType_IsOneSentenceAndExitCode1(string name, string value, string sentence)
    {
        (int exitCode, string output) = await RunToEndAsync(("PORT", "0"), (name, value));
        Assert.Equal(1, exitCode);
        Assert.Contains($"The application could not start: {sentence}", output);
        Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_WrongPortAndLogLevel_AreReportedWithTheRest()
    {
        (int exitCode, string output) = await RunToEndAsync(
            ("PORT", "99999"), ("LOG_LEVEL", "banana"), ("MODAL_MEMORY_MB", "-5"));
        Assert.Equal(1, exitCode);
        Assert.Contains("PORT is 99999", output);
        Assert.Contains("LOG_LEVEL is banana", output);
        Assert.Contains("Coach:Deployment:MemoryMb is -5", output);
    }

    [Fact]
    public async Task Start_UnknownMode_NamesTheAllowedOnes()
    {
        (int exitCode, string output) = await RunToEndAsync(("PORT", "0"), ("COACH_MODE", "turbo"));
        Assert.Equal(1, exitCode);
        Assert.Contains("Coach:Mode is turbo; it must be auto, mock or real.", output);
    }

    [Fact]
    public async Task Start_ThousandMarkdownFiles_AnswersFromTheRightOne()
    {
        using var folder = new TempFolder();
        for (int file = 0; file < 1_000; file++)
        {
            await File.WriteAllTextAsync(folder.File($"note-{file:0000}.md"),
                $"# Note {file}\n\nThis note is about station number {file}.\n\n## Master\n\nThe station master "
                + $"of station {file} keeps {file * 7 + 3} lanterns in the shed.\n");
        }

        await using ChatHost host = await ChatHost.StartAsync(knowledge: folder.Path);
        using HttpClient visitor = host.NewVisitor();
        ChatReply reply = await visitor.AskAsync(
            "How many lanterns does the master of station 731 keep in the shed?");
        Assert.Equal("note-0731.md", reply.Passages[0].GetProperty("source").GetString());
        Assert.Contains("5120", reply.Text);
    }

    [Fact]
    public async Task Start_UnreadableBinaryHugeAndVanishedDocuments_AnswersFromTheRest()
    {
        using var folder = new TempFolder();
        await File.WriteAllTextAsync(
            folder.File("good.md"), "# Good\n\nThe beacon is painted vermilion.\n");
        await File.WriteAllBytesAsync(
            folder.File("binary.md"),
            [.. Enumerable.Range(0, 100_000).Select(i => (byte)(i * 31 % 256))]);
        await File.WriteAllBytesAsync(folder.File("huge.txt"), new byte[20 << 20]);
        File.CreateSymbolicLink(
            folder.File("vanished.md"), folder.File("nowhere.md"));
        await using ChatHost host = await ChatHost.StartAsync(knowledge: folder.Path);
        using HttpClient visitor = host.NewVisitor();
        ChatReply reply = await visitor.AskAsync("What colour is the beacon painted?");
        Assert.Contains("vermilion", reply.Text);
        Assert.Equal("good.md", reply.Passages[0].GetProperty("source").GetString());
    }

    [Fact]
    public async Task Start_KnowledgeFolderMissing_SaysSoInOneSentenceAndExitsWith1()
    {
        string folder = Path.Combine(Path.GetTempPath(), "coach-no-such-folder");
        (int exitCode, string output) = await RunToEndAsync(("PORT", "0"), ("Coach__Rag__Knowledge", folder));
        Assert.Equal(1, exitCode);
        Assert.Contains(
            $"The application could not start: Coach:Rag:Knowledge is {folder}; there is no such folder. Make it, or name "
            + "another one.",
            output);
        Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_KnowledgeFolderGoesAway_ChatsOn()
    {
        using var folder = new TempFolder();
        string knowledge = Directory.CreateDirectory(folder.File("knowledge")).FullName;
        await using ChatHost host = await ChatHost.StartAsync(
            values => values["Coach:Rag:TimeLimit"] = "00:00:01", knowledge: knowledge, waitForKnowledge: false);
        Directory.Delete(knowledge);
        using HttpClient visitor = host.NewVisitor();
        ChatReply reply = await visitor.AskAsync("What do you know?");
        Assert.NotEmpty(reply.Text);
        Assert.Empty(reply.Passages);
        using HttpResponseMessage health = await visitor.GetAsync("/healthz");
        Assert.Equal(HttpStatusCode.OK, health.StatusCode);
    }

    private static async Task<(int ExitCode, string Output)> RunToEndAsync(
        params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(Program).Assembly.Location])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        using Process process = Process.Start(start)!;
        using var limit = new CancellationTokenSource(ChatHost.HangLimit);
        Task<string> output = process.StandardOutput.ReadToEndAsync(limit.Token);
        Task<string> error = process.StandardError.ReadToEndAsync(limit.Token);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        return (process.ExitCode, await output + await error);
    }
}
