using System.CommandLine;
using System.Threading.Tasks;
using CoExpr.CSharp;

namespace CoExpr.Cli;

/// <summary>coexpr backends: what was found on this machine.</summary>
public static class BackendsCommand
{
    /// <summary>The command with its options.</summary>
    public static Command Create()
    {
        var json = OptionKind.Flag("--json", "As JSON");
        var command = new Command(
            "backends",
            """
            Says what this machine offers: versions, vector width, native libraries, devices.

            Example: coexpr backends
            """
        );
        command.Options.Add(json);
        command.SetAction(
            (parsed, token) =>
                ExitCode.OfAsync(
                    _ =>
                    {
                        Lines.Print(Machine.Describe(), parsed.GetValue(json));
                        return Task.CompletedTask;
                    },
                    token
                )
        );
        return command;
    }
}
