using System.IO;
using System.IO.Compression;
using System.Linq;
using System.Text.Json;
using System.Threading.Tasks;
using NUnit.Framework;

namespace CoExpr.CSharp.Tests;

/// <summary>Every kind of output, read back by the programs that users read them with.</summary>
public class OutputTests
{
    // Reads scores by name from a file of any kind: [gene, gene, score, cells], sorted; cells is null where there are none.
    const string Reader = """
        import sys, json, csv, gzip, numpy as np, scipy.sparse as sp, anndata
        path, genes = sys.argv[1], json.loads(sys.argv[2])
        def dense(matrix):
            return matrix.toarray() if sp.issparse(matrix) else np.asarray(matrix)
        def kept(matrix):
            assert matrix.shape == (len(genes), len(genes)), matrix.shape
            assert np.array_equal(matrix, matrix.T) and not matrix.diagonal().any()
            return matrix
        cells = None
        if path.endswith('.h5ad'):
            data = anndata.read_h5ad(path)
            assert list(data.var_names) == genes, list(data.var_names)
            assert list(data.var['coexpr_cells']) == [5, 5, 4, 4]
            mi, cells = kept(dense(data.varp['mi'])), kept(dense(data.varp['mi_cells']))
        elif path.endswith('.npz'):
            mi = kept(sp.load_npz(path).toarray())
            assert list(np.load(path)['genes']) == genes
        elif path.endswith('.npy'):
            mi = kept(np.load(path))
        else:
            opened = gzip.open(path, 'rt', newline='') if path.endswith('.gz') else open(path, newline='')
            rows = list(csv.DictReader(opened, delimiter=',' if '.csv' in path else '\t'))
            mi, cells = np.zeros((4, 4)), np.zeros((4, 4))
            for row in rows:
                a, b = genes.index(row['gene_a']), genes.index(row['gene_b'])
                assert mi[a, b] == 0
                mi[a, b] = mi[b, a] = float(row['mi'])
                cells[a, b] = cells[b, a] = int(row['cells'])
        print(json.dumps([[float(x) for x in mi.flat], None if cells is None else [int(x) for x in cells.flat]]))
        """;

    static readonly string[] Names = ["A", "quoted \"B\"", "with\ttab", "ß/ζ,日"];

    // Awkward names, in the order of the known genes that pass.
    static readonly Sample Awkward = Sample.Known.Renamed("B", Names[1]).Renamed("C", Names[2]).Renamed("D", Names[3]);

    static readonly string[] Endings = ["h5ad", "tsv", "csv", "tsv.gz", "csv.gz", "npz", "npy", "TSV", "H5AD", "Npz"];

    [Test]
    public async Task IsReadBackElsewhereAsItWasComputed(
        [ValueSource(nameof(Endings))] string ending,
        [Values] bool all
    )
    {
        using var scratch = new Scratch();
        var options = all ? new CoExpressionOptions { All = true } : new() { Top = 1 };
        var result = await CoExpression.ComputeAsync(Awkward.Data, options);
        Assert.That(result.Genes, Is.EqualTo(Names));
        await result.SaveAsync(scratch[$"out.{ending}"]);
        Assert.That(scratch.Files(), Is.EqualTo(new[] { $"out.{ending}" }));

        // Python tells formats by endings in small letters.
        File.Move(scratch[$"out.{ending}"], scratch["moved"]);
        File.Move(scratch["moved"], scratch[$"out.{ending.ToLowerInvariant()}"]);
        var read = Python.Run(Reader, scratch[$"out.{ending.ToLowerInvariant()}"], JsonSerializer.Serialize(Names));
        var scores = read[0].EnumerateArray().Select(value => value.GetDouble());
        Assert.That(scores, Is.EqualTo(Names.SelectMany(result.Row)));
        if (read[1].ValueKind == JsonValueKind.Null)
            return;
        var cells = read[1].EnumerateArray().Select(value => value.GetInt32());
        var expected = Names.SelectMany(a => Names.Select(b => result.Pair(a, b)?.Cells ?? 0));
        Assert.That(cells, Is.EqualTo(expected));
    }

    [Test]
    public async Task ATableHasThePairsInTheirOrder()
    {
        using var scratch = new Scratch();
        var result = await CoExpression.ComputeAsync(Sample.Known.Data, new() { Top = 1 });
        await result.SaveAsync(scratch["out.tsv"]);
        await result.SaveAsync(scratch["out.tsv.gz"]);
        var lines = File.ReadAllLines(scratch["out.tsv"]);
        Assert.That(lines[0], Is.EqualTo("gene_a\tgene_b\tmi\tcells"));
        Assert.That((lines[1], lines[3]), Is.EqualTo(("A\tC\t0\t5", "C\tD\t2\t4")));
        using var unpacked = new StreamReader(
            new GZipStream(File.OpenRead(scratch["out.tsv.gz"]), CompressionMode.Decompress)
        );
        Assert.That(unpacked.ReadToEnd(), Is.EqualTo(File.ReadAllText(scratch["out.tsv"])));
    }

    [Test]
    public async Task AnOldFileIsReplaced()
    {
        using var scratch = new Scratch();
        File.WriteAllText(scratch["out.tsv"], "old");
        var result = await CoExpression.ComputeAsync(Sample.Known.Data);
        await result.SaveAsync(scratch["out.tsv"]);
        Assert.That(File.ReadAllText(scratch["out.tsv"]), Does.StartWith("gene_a"));
    }

    [Test]
    public async Task AReportIsOnePageThatNeedsNoOther()
    {
        using var scratch = new Scratch();
        var result = await CoExpression.ComputeAsync(Awkward.Data);
        await result.SaveReportAsync(scratch["out.html"]);
        var page = File.ReadAllText(scratch["out.html"]);
        Assert.That(page, Does.StartWith("<!DOCTYPE html>").IgnoreCase);
        Assert.That(page, Does.Not.Match("<(script|link|img)[^>]+(src|href)=[\"']https?:"));
    }

    [Test]
    public async Task ScoresAreNoMatrixToScoreAgain()
    {
        using var scratch = new Scratch();
        var result = await CoExpression.ComputeAsync(Sample.Known.Data);
        await result.SaveAsync(scratch["out.h5ad"]);
        var lines = await CellData.DescribeAsync(scratch["out.h5ad"]);
        Assert.That(lines.Select(line => line.Key), Does.Contain("varp mi"));
        var error = Assert.ThrowsAsync<CoExprException>(() => CellData.ReadAsync(scratch["out.h5ad"]));
        Assert.That(error!.Kind, Is.EqualTo(CoExprErrorKind.MissingPart));
    }
}
