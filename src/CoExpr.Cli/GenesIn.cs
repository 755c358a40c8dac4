using System.CommandLine;
using CoExpr.CSharp;

namespace CoExpr.Cli;

/// <summary>--genes-in: where a matrix without names for its sides has its genes.</summary>
static class GenesIn
{
    internal static Option<string?> Option()
    {
        string[] words = ["rows", "columns"];
        var option = new Option<string?>("--genes-in")
        {
            Description = "Where the genes are: in rows (usual for .mtx) or columns (usual for tables and .npy)",
            HelpName = string.Join('|', words),
        };
        OptionKind.Limit(option, words);
        return option;
    }

    internal static MatrixRows Rows(string? genesIn) =>
        genesIn switch
        {
            "rows" => MatrixRows.Genes,
            "columns" => MatrixRows.Cells,
            _ => MatrixRows.Usual,
        };
}
