"""The grid of method x score x picture: one papermill run each, then the figures."""

METHODS = ["grad_cam", "grad_cam_plus", "grad_cam_plus_plus", "rsi_grad_cam", "integrated_gradients"]
SCORES = ["pre", "post", "log", "odds"]

# folder in results/: (image, target class)
PICTURES = {
    "cat": ("cat", "cat"),
    "cat_and_cup-cat": ("cat_and_cup", "cat"),
    "cat_and_cup-cup": ("cat_and_cup", "cup"),
}
FIGURES = ["figure_2", "figure_2_extended", "figure_2_cat_and_cup-cat", "figure_2_cat_and_cup-cup"]

PACKAGE = glob_wildcards("xai_utils/{file,[^.].*}.py").file
SOURCES = expand("xai_utils/{file}.py", file=PACKAGE) + ["xai_utils/data/vgg19_mini.npz"]
GRID = expand("{picture}/{method}-{score}", picture=PICTURES, method=METHODS, score=SCORES)

# two runs share two cores: one thread each
envvars: "PATH"
ONE_THREAD = "TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1 OMP_NUM_THREADS=1"


rule all:
    input:
        expand("results/{run}.{ending}", run=GRID, ending=["npz", "json", "ipynb"]),
        expand("figures/{name}.{ending}", name=["figure_1", *FIGURES], ending=["png", "pdf"]),


rule heatmap:
    input:
        notebook="notebooks/methods/{method}.ipynb",
        sources=SOURCES,
    output:
        "results/{picture}/{method}-{score}.npz",
        "results/{picture}/{method}-{score}.json",
        notebook="results/{picture}/{method}-{score}.ipynb",
    params:
        image=lambda w: PICTURES[w.picture][0],
        target=lambda w: PICTURES[w.picture][1],
    log:
        "results/log/{picture}-{method}-{score}.txt",
    shell:
        "{ONE_THREAD} papermill --no-progress-bar {input.notebook} {output.notebook} "
        "-r image {params.image} -r target {params.target} -r score {wildcards.score} "
        "-r results results/{wildcards.picture} > {log} 2>&1"


rule figure_1:
    input:
        notebook="notebooks/index.ipynb",
        sources=SOURCES,
    output:
        expand("figures/figure_1.{ending}", ending=["png", "pdf"]),
        notebook="results/index.ipynb",
    log:
        "results/log/index.txt",
    shell:
        "papermill --no-progress-bar {input.notebook} {output.notebook} -r figures figures > {log} 2>&1"


rule figure_2:
    input:
        expand("results/{run}.{ending}", run=GRID, ending=["npz", "json"]),
        notebook="notebooks/figure_2.ipynb",
        sources=SOURCES,
    output:
        expand("figures/{name}.{ending}", name=FIGURES, ending=["png", "pdf"]),
        notebook="results/figure_2.ipynb",
    log:
        "results/log/figure_2.txt",
    shell:
        "papermill --no-progress-bar {input.notebook} {output.notebook} "
        "-r results results -r figures figures > {log} 2>&1"
